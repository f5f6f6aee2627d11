//! Rewrites arithmetic operators as calls, for an interpreter: `a * b` calls a function with OPA's
//! result (`arithmetic.rs`). On the register machine the instruction is replaced instead.
//!
//! Lines stay.

use regorus::unstable::{ArithOp, Expr, Module};

use crate::rego::arithmetic::name;
use crate::rego::syntax::edit::{Edit, apply, extent, insertion};
use crate::rego::syntax::walk::{self, Visitor};

/// The module's source without those operators; `None` if it has none.
pub(in crate::rego) fn rewrite(module: &Module) -> Option<String> {
    let source = module.package.span.source.get_contents();
    let mut walk = Walk {
        source,
        edits: Vec::new(),
    };
    for rule in &module.policy {
        walk::rule(&mut walk, rule);
    }
    let is_changed = !walk.edits.is_empty();
    is_changed.then(|| apply(source, 0, source.len(), walk.edits))
}

struct Walk<'s> {
    source: &'s str,
    edits: Vec<Edit>,
}

impl Visitor for Walk<'_> {
    fn expr(&mut self, expr: &Expr) {
        let call = match expr {
            Expr::ArithExpr { op, lhs, rhs, .. } => name(op).zip(self.sign(op, lhs, rhs)),
            _ => None,
        };
        let Some((name, at)) = call else {
            return walk::below_expr(self, expr);
        };
        let (start, end) = extent(self.source, expr);
        self.edits.push(insertion(start, &format!("{name}(")));
        walk::below_expr(self, expr);
        self.edits.push(Edit {
            start: at,
            end: at.saturating_add(1),
            text: ",".to_owned(),
        });
        self.edits.push(insertion(end, ")"));
    }
}

impl Walk<'_> {
    /// The sign's offset: between the operands are only parentheses, space and comments.
    fn sign(&self, operator: &ArithOp, left: &Expr, right: &Expr) -> Option<usize> {
        let sign = match operator {
            ArithOp::Add => '+',
            ArithOp::Sub => '-',
            ArithOp::Mul => '*',
            ArithOp::Div => '/',
            ArithOp::Mod => '%',
        };
        let (_, from) = extent(self.source, left);
        let (to, _) = extent(self.source, right);
        let mut at = from;
        for line in self.source.get(from..to)?.split_inclusive('\n') {
            let code = line.split('#').next().unwrap_or_default();
            if let Some(place) = code.find(sign) {
                return Some(at.saturating_add(place));
            }
            at = at.saturating_add(line.len());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ADD` stands for `gate_add__`, and so on.
    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut expected = format!("x := {expected}");
        for operator in [ArithOp::Add, ArithOp::Sub, ArithOp::Mul, ArithOp::Div] {
            let name = name(&operator).unwrap_or_default();
            let short = name.trim_start_matches("gate_").trim_end_matches('_');
            expected = expected.replace(&short.to_uppercase(), name);
        }
        crate::rego::syntax::edit::tests::check(&format!("x := {value}"), &expected, rewrite);
    }

    #[test]
    fn an_operator_is_written_as_a_call() {
        check("1 % 2", "1 % 2");
        check("1 + 2", "ADD(1 , 2)");
        check("input.a * 2", "MUL(input.a , 2)");
        check("a * b * c", "MUL(MUL(a , b) , c)");
        check("a + b * c - d", "SUB(ADD(a , MUL(b , c)) , d)");
        check("1 - -1", "SUB(1 , -1)");
        check("a % (b - c)", "a % (SUB(b , c))");
        check(
            "a * (b + c * d) / e",
            "DIV(MUL(a , (ADD(b , MUL(c , d)))) , e)",
        );
        check("(a) * (b * c)", "MUL((a) , (MUL(b , c)))");
        check("(a + b) * f(c * d)", "MUL((ADD(a , b)) , f(MUL(c , d)))");
        check(
            "[(a * 2) | a := x[_] * x[0]]",
            "[(MUL(a , 2)) | a := MUL(x[_] , x[0])]",
        );
        check("a * # 2 *\n\tb", "MUL(a , # 2 *\n\tb)");
        check("a # no *\n\t* b", "MUL(a # no *\n\t, b)");
        check("a / # no / - \n b", "DIV(a , # no / - \n b)");
    }
}
