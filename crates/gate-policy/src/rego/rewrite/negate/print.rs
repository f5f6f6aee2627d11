//! Prints syntax as source text, on one line. Under a `not`, operands are extracted on the way.

use regorus::Value;
use regorus::unstable::{ArithOp, AssignOp, BinOp, BoolOp, Expr, Literal, LiteralStmt, Query, Ref};

use super::Walk;
use super::scope::Level;
use crate::rego::syntax::walk;

/// How tightly an expression binds. One that binds less tightly than its position needs gets
/// parentheses.
const LOOSE: u8 = 0;
const COMPARISON: u8 = 1;
const UNION: u8 = 2;
const INTERSECTION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const TERM: u8 = 6;

/// Prints a part of an expression, for a position that needs this binding.
type Part<W> = fn(&mut W, &Expr, u8) -> String;

/// Prints without extracting operands.
impl Walk<'_, '_> {
    fn printed(&mut self, query: &Query) -> String {
        self.scopes.enter(Level::of(query));
        let statements: Vec<String> = query.stmts.iter().map(|each| self.written(each)).collect();
        self.scopes.leave();
        statements.join("; ")
    }

    /// Prints a statement of a nested query; negations are rewritten.
    fn written(&mut self, statement: &LiteralStmt) -> String {
        let text = match &statement.literal {
            Literal::NotExpr { expr, .. } => {
                let (operands, negated) = self.negation(statement, expr);
                return format!("{operands}{negated}");
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { op, lhs, rhs, .. } => {
                    let (left, right) = (self.plain(lhs, TERM), self.plain(rhs, COMPARISON));
                    format!("{left} {} {right}", assign(op))
                }
                expr => self.plain(expr, COMPARISON),
            },
            Literal::SomeVars { vars, .. } => {
                let names: Vec<&str> = vars.iter().map(regorus::unstable::Span::text).collect();
                format!("some {}", names.join(", "))
            }
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                let key = key.as_ref().map(|key| self.plain(key, TERM) + ", ");
                let value = self.plain(value, TERM);
                let collection = self.plain(collection, COMPARISON);
                format!("some {}{value} in {collection}", key.unwrap_or_default())
            }
            Literal::Every {
                key,
                value,
                domain,
                query,
                ..
            } => {
                let mut domain = self.plain(domain, COMPARISON);
                if let Some((open, close)) = self.scopes.waiting(query) {
                    domain = format!("{open}{domain}{close}");
                }
                let names = key.iter().chain([value]).map(regorus::unstable::Span::text);
                let names: Vec<&str> = names.collect();
                self.scopes.enter(Level::every(names.iter().copied()));
                let query = self.printed(query);
                self.scopes.leave();
                format!("every {} in {domain} {{ {query} }}", names.join(", "))
            }
        };
        text + &self.modifiers(statement)
    }

    /// ` with … as …`, or nothing.
    pub(super) fn modifiers(&mut self, statement: &LiteralStmt) -> String {
        let modifiers = statement.with_mods.iter().map(|modifier| {
            let target = self.plain(&modifier.refr, TERM);
            let value = self.plain(&modifier.r#as, COMPARISON);
            format!(" with {target} as {value}")
        });
        modifiers.collect()
    }

    fn plain(&mut self, expr: &Expr, place: u8) -> String {
        let (text, bound) = self.bare(expr);
        if bound < place {
            format!("({text})")
        } else {
            text
        }
    }

    fn bare(&mut self, expr: &Expr) -> (String, u8) {
        self.composed(expr, Self::plain)
    }

    fn list(&mut self, items: &[Ref<Expr>], part: Part<Self>) -> String {
        let items: Vec<String> = items.iter().map(|item| part(self, item, TERM)).collect();
        items.join(", ")
    }

    /// Prints an expression, its parts with `part`; returns how tightly it binds. The parts of a
    /// reference and of a comprehension are printed plainly.
    fn composed(&mut self, expr: &Expr, part: Part<Self>) -> (String, u8) {
        let text = match expr {
            Expr::String { value, .. } | Expr::RawString { value, .. } => string(value),
            Expr::Number { span, .. }
            | Expr::Bool { span, .. }
            | Expr::Null { span, .. }
            | Expr::Var { span, .. } => span.text().to_owned(),
            Expr::Array { items, .. } => format!("[{}]", self.list(items, part)),
            Expr::Set { items, .. } if items.is_empty() => "set()".to_owned(),
            Expr::Set { items, .. } => format!("{{{}}}", self.list(items, part)),
            Expr::Object { fields, .. } => {
                let fields = fields.iter().map(|(_, key, value)| {
                    format!("{}: {}", part(self, key, TERM), part(self, value, TERM))
                });
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Expr::ArrayCompr { term, query, .. } => {
                let term = self.plain(term, TERM);
                format!("[{term} | {}]", self.printed(query))
            }
            Expr::SetCompr { term, query, .. } => {
                let term = self.plain(term, TERM);
                format!("{{{term} | {}}}", self.printed(query))
            }
            Expr::ObjectCompr {
                key, value, query, ..
            } => {
                let (key, value) = (self.plain(key, TERM), self.plain(value, TERM));
                format!("{{{key}: {value} | {}}}", self.printed(query))
            }
            Expr::Call { fcn, params, .. } => {
                format!("{}({})", self.plain(fcn, TERM), self.list(params, part))
            }
            Expr::UnaryExpr { expr, .. } => {
                // The parser takes all that follows as the operand: one pair of parentheses for a
                // row of signs.
                let mut text = "- ".to_owned();
                let mut inner = expr;
                while let Expr::UnaryExpr { expr, .. } = inner.as_ref() {
                    text.push_str("- ");
                    inner = expr;
                }
                format!("({text}{})", self.plain(inner, LOOSE))
            }
            Expr::RefDot { refr, field, .. } => {
                format!("{}.{}", self.plain(refr, TERM), field.0.text())
            }
            Expr::RefBrack { refr, index, .. } => {
                let refr = self.plain(refr, TERM);
                format!("{refr}[{}]", self.plain(index, COMPARISON))
            }
            Expr::BinExpr { op, lhs, rhs, .. } => {
                let (symbol, bound) = set_operator(op);
                return self.infix(lhs, symbol, rhs, bound, part);
            }
            Expr::ArithExpr { op, lhs, rhs, .. } => {
                let (symbol, bound) = arithmetic(op);
                return self.infix(lhs, symbol, rhs, bound, part);
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => {
                return self.infix(lhs, comparison(op), rhs, COMPARISON, part);
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                return self.infix(lhs, assign(op), rhs, LOOSE, part);
            }
            Expr::Membership {
                key,
                value,
                collection,
                ..
            } => {
                let key = key.as_ref().map(|key| part(self, key, COMPARISON) + ", ");
                let value = part(self, value, COMPARISON);
                let collection = part(self, collection, COMPARISON);
                let text = format!("{}{value} in {collection}", key.unwrap_or_default());
                return (text, LOOSE);
            }
        };
        (text, TERM)
    }

    /// Operators of one kind associate to the left.
    fn infix(
        &mut self,
        lhs: &Expr,
        symbol: &str,
        rhs: &Expr,
        bound: u8,
        part: Part<Self>,
    ) -> (String, u8) {
        let left = part(self, lhs, bound);
        let right = part(self, rhs, bound.saturating_add(1));
        (format!("{left} {symbol} {right}"), bound)
    }
}

/// Under a `not`, as in OPA: what may be undefined is extracted and evaluated first.
impl Walk<'_, '_> {
    /// Prints a negated expression. A reference is evaluated under the `not`, and so are the sides
    /// of `==`.
    pub(super) fn negated(&mut self, expr: &Expr) -> String {
        let part: Part<Self> = match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                return self.side(expr);
            }
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => {
                return self.operand(expr);
            }
            Expr::UnaryExpr { .. } => return self.plain(expr, LOOSE),
            Expr::BoolExpr { op: BoolOp::Eq, .. } | Expr::AssignExpr { .. } => {
                |walk, side, _| walk.side(side)
            }
            _ => |walk, operand, _| walk.operand(operand),
        };
        match self.composed(expr, part) {
            // Its comma would end the statement.
            (text, LOOSE) if matches!(expr, Expr::Membership { .. }) => format!("({text})"),
            (text, _) => text,
        }
    }

    /// A reference stays, but not its indexes; anything else is an operand.
    ///
    /// regorus takes a name as an index for a place where the name may get its value, and may put
    /// the negation before what does give it one. `[name][0]` waits for that.
    fn side(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Var { span, .. } => span.text().to_owned(),
            Expr::RefDot { refr, field, .. } => {
                format!("{}.{}", self.side(refr), field.0.text())
            }
            Expr::RefBrack { refr, index, .. } => {
                let refr = self.side(refr);
                match self.operand(index) {
                    constant if walk::is_constant(index) => format!("{refr}[{constant}]"),
                    name => {
                        self.waits = true;
                        format!("{refr}[[{name}][0]]")
                    }
                }
            }
            expr => self.operand(expr),
        }
    }

    /// Replaces what may be undefined by a name. The parts of an operation need no names of their
    /// own: it is undefined when one of them is.
    fn operand(&mut self, expr: &Expr) -> String {
        let is_bound = |name: &str| !self.scopes.is_document(name);
        if walk::is_made_of(expr, &is_bound) {
            return self.plain(expr, TERM);
        }
        let text = self.plain(expr, LOOSE);
        self.operands = self.operands.saturating_add(1);
        let name = format!("gate_operand_{}__", self.operands);
        self.taken.push((name.clone(), text));
        name
    }
}

/// A JSON string, which is a Rego string as well.
fn string(value: &Value) -> String {
    value.to_json_str().unwrap_or_default()
}

const fn assign(op: &AssignOp) -> &'static str {
    match op {
        AssignOp::Eq => "=",
        AssignOp::ColEq => ":=",
    }
}

const fn comparison(op: &BoolOp) -> &'static str {
    match op {
        BoolOp::Lt => "<",
        BoolOp::Le => "<=",
        BoolOp::Eq => "==",
        BoolOp::Ge => ">=",
        BoolOp::Gt => ">",
        BoolOp::Ne => "!=",
    }
}

const fn set_operator(op: &BinOp) -> (&'static str, u8) {
    match op {
        BinOp::Intersection => ("&", INTERSECTION),
        BinOp::Union => ("|", UNION),
    }
}

const fn arithmetic(op: &ArithOp) -> (&'static str, u8) {
    match op {
        ArithOp::Add => ("+", SUM),
        ArithOp::Sub => ("-", SUM),
        ArithOp::Mul => ("*", PRODUCT),
        ArithOp::Div => ("/", PRODUCT),
        ArithOp::Mod => ("%", PRODUCT),
    }
}
