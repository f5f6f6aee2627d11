//! Holds products in an interpreter: `a * b` is written as a call of what does the same within a size
//! (`growth.rs`). On the register machine the instruction is replaced.
//!
//! Lines stay.

use regorus::unstable::{ArithOp, Expr, Module};

use super::edit::{Edit, apply, extent, insertion};
use super::growth::TIMES;
use super::walk::{self, Visitor};

/// The module's source without a `*`; `None` when it has none.
pub(super) fn rewrite(module: &Module) -> Option<String> {
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
        let product = match expr {
            Expr::ArithExpr {
                op: ArithOp::Mul,
                lhs,
                rhs,
                ..
            } => self.operator(lhs, rhs),
            _ => None,
        };
        let Some(at) = product else {
            return walk::below_expr(self, expr);
        };
        let (start, end) = extent(self.source, expr);
        self.edits.push(insertion(start, &format!("{TIMES}(")));
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
    /// Where the operator stands: between the two are parentheses, space and comments.
    fn operator(&self, left: &Expr, right: &Expr) -> Option<usize> {
        let (_, from) = extent(self.source, left);
        let (to, _) = extent(self.source, right);
        let mut at = from;
        for line in self.source.get(from..to)?.split_inclusive('\n') {
            let code = line.split('#').next().unwrap_or_default();
            if let Some(place) = code.find('*') {
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

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let expected = format!("x := {}", expected.replace("TIMES", TIMES));
        crate::rego::edit::tests::check(&format!("x := {value}"), &expected, rewrite);
    }

    #[test]
    fn a_product_is_written_as_a_call() {
        check("1 + 2", "1 + 2");
        check("input.a * 2", "TIMES(input.a , 2)");
        check("a * b * c", "TIMES(TIMES(a , b) , c)");
        check("a + b * c - d", "a + TIMES(b , c) - d");
        check("a * (b + c * d) / e", "TIMES(a , (b + TIMES(c , d))) / e");
        check("(a) * (b * c)", "TIMES((a) , (TIMES(b , c)))");
        check("(a + b) * f(c * d)", "TIMES((a + b) , f(TIMES(c , d)))");
        check(
            "[(a * 2) | a := x[_] * x[0]]",
            "[(TIMES(a , 2)) | a := TIMES(x[_] , x[0])]",
        );
        check("a * # 2 *\n\tb", "TIMES(a , # 2 *\n\tb)");
        check("a # no *\n\t* b", "TIMES(a # no *\n\t, b)");
    }
}
