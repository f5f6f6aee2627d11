//! Refuses what regorus 0.14.1 evaluates differently from OPA and the author can write otherwise.
//!
//! An object pattern (`{"a": x} := e`, `f({"a": x})`, `some {"a": x} in xs`) matches in OPA what
//! has these members and no others; in regorus what has these. And the register machine supports
//! one key in a rule's name, as its last part: `denied[client] contains reason` is one set for all
//! clients there, in which no client is found, and `denied[client].reason := …` has no value. A
//! `not` of such a reference would hold.
//!
//! A number with more digits than an `f64` holds is read as another. A call drops its ninth
//! argument. An expression as a function's argument (`f(input.order.x) := …`) is evaluated before
//! the input is loaded. The register machine ignores the `default` of a function.
//!
//! And what `rego/rewrite/bodies.rs` could not rewrite. A further body of a head with a value has
//! the value `true`. An `else` after a body whose loop never passes is not tried on the register
//! machine, where such a body ends without an answer, which is not a failure. Loops are found in
//! the compiled program.

use regorus::Value;
use regorus::rvm::Instruction;
use regorus::rvm::instructions::LoopMode;
use regorus::rvm::program::{Program, RuleType};
use regorus::unstable::{AssignOp, Expr, Module, Rule, RuleBody, RuleHead};

use crate::rego::CompileError;
use crate::rego::fraction::is_exact;
use crate::rego::rewrite::naming::names_in_object;
use crate::rego::syntax::walk::{self, Visitor};

/// Refuses the first such place of the modules.
pub(in crate::rego) fn check<'m>(
    modules: impl Iterator<Item = &'m Module>,
) -> Result<(), CompileError> {
    for module in modules {
        let mut walk = Walk { problem: None };
        for rule in &module.policy {
            if let Rule::Spec { head, bodies, .. } = rule.as_ref() {
                walk.name(head);
                walk.head(head, bodies);
            }
            if let Rule::Default {
                refr, args, value, ..
            } = rule.as_ref()
            {
                walk.expr(value);
                if !args.is_empty() {
                    walk.found(refr, DEFAULT);
                }
            }
            walk::rule(&mut walk, rule);
        }
        if let Some((line, message)) = walk.problem {
            return Err(CompileError::Unlike {
                path: module.package.span.source.get_path().clone(),
                line,
                message: message.to_owned(),
            });
        }
    }
    Ok(())
}

struct Walk {
    /// The first problem, with its line.
    problem: Option<(u32, &'static str)>,
}

/// The register machine drops further arguments.
const MAX_ARGUMENTS: usize = 8;
const ARGUMENTS: &str = "a call with more than 8 arguments: pass an array or an object";
const ARGUMENT: &str = "an expression as a function's argument: compare it in the body";
const BODIES: &str = "a further body of a head with a value: write the head again before it";
const DEFAULT: &str = "a `default` of a function: let its last `else` have the value";
const MEMBER: &str =
    "a member without a value, which is a set in Rego v0: write `name[\"member\"]`";
const DIGITS: &str = "a number of more digits than are computed with";
const PATTERN: &str =
    "an object as a pattern: ask for its members (`x := e.a`), or compare with `==`";
const KEY: &str = "a key in the name of a rule that has more to it: write `name[key] := value`, with a set or an object as the value";

impl Walk {
    fn found(&mut self, at: &Expr, problem: &'static str) {
        self.problem.get_or_insert((at.span().line, problem));
    }

    fn name(&mut self, head: &RuleHead) {
        if let RuleHead::Set {
            refr, key: None, ..
        } = head
            && matches!(refr.as_ref(), Expr::RefDot { .. })
        {
            self.found(refr, MEMBER);
        }
        let (refr, is_whole) = match head {
            RuleHead::Compr { refr, .. } => (refr, false),
            RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. } => (refr, true),
        };
        let above = match refr.as_ref() {
            Expr::RefBrack { refr, .. } if !is_whole => refr,
            _ => refr,
        };
        if walk::has_key(above) {
            self.found(refr, KEY);
        }
    }

    fn head(&mut self, head: &RuleHead, bodies: &[RuleBody]) {
        let (refr, args, assign) = match head {
            RuleHead::Compr { refr, assign, .. } => (refr, [].as_slice(), assign),
            RuleHead::Func {
                refr, args, assign, ..
            } => (refr, args.as_slice(), assign),
            RuleHead::Set { .. } => return,
        };
        if let Some(arg) = args.iter().find(|arg| !is_plain(arg)) {
            self.found(arg, ARGUMENT);
        }
        // In an object rule each body has the head's value.
        let is_object = matches!(refr.as_ref(), Expr::RefBrack { .. });
        let is_true = |value: &Expr| {
            matches!(
                value,
                Expr::Bool {
                    value: Value::Bool(true),
                    ..
                }
            )
        };
        let has_value = assign
            .as_ref()
            .is_some_and(|assign| !is_true(&assign.value));
        if has_value && !is_object && bodies.iter().skip(1).any(|body| !body.is_else) {
            self.found(refr, BODIES);
        }
    }
}

impl Visitor for Walk {
    fn expr(&mut self, expr: &Expr) {
        if let Expr::Number { span, .. } = expr
            && !is_exact(span.text())
        {
            self.found(expr, DIGITS);
        }
        if let Expr::Call { params, .. } = expr
            && params.len() > MAX_ARGUMENTS
        {
            self.found(expr, ARGUMENTS);
        }
        if let Expr::AssignExpr {
            op: AssignOp::Eq,
            lhs,
            rhs,
            ..
        } = expr
            && [lhs, rhs]
                .into_iter()
                .any(|side| names_in_object(side, false))
        {
            self.found(expr, PATTERN);
        }
        walk::below_expr(self, expr);
    }

    fn pattern(&mut self, pattern: &Expr) {
        if has_object(pattern) {
            self.found(pattern, PATTERN);
        }
        walk::below_expr(self, pattern);
    }
}

/// Refuses an `else`, or another body of the same head, after a body with a loop.
pub(in crate::rego) fn check_else(program: &Program) -> Result<(), CompileError> {
    for rule in &program.rule_infos {
        // Bodies of a set or an object add members, unless they are an `else`.
        let is_partial = rule.rule_type != RuleType::Complete && rule.function_info.is_none();
        let is_else = |definition: usize, body: usize| {
            let bodies = rule.else_bodies.get(definition);
            bodies
                .and_then(|bodies| bodies.get(body))
                .is_some_and(|is| *is)
        };
        let found = rule
            .definitions
            .iter()
            .enumerate()
            .find_map(|(at, bodies)| {
                let next = bodies.iter().zip(1..bodies.len());
                let mut before = next.filter(|(_, next)| !is_partial || is_else(at, *next));
                before.find_map(|(entry, _)| first_loop(program, *entry))
            });
        let Some(at) = found else {
            continue;
        };
        let span = program.instruction_spans.get(at).and_then(Option::as_ref);
        let source = span.and_then(|span| program.sources.get(span.source_index));
        let line = span.and_then(|span| u32::try_from(span.line).ok());
        return Err(CompileError::Unlike {
            path: source.map_or_else(String::new, |source| source.name.clone()),
            line: line.unwrap_or_default(),
            message: ELSE.to_owned(),
        });
    }
    Ok(())
}

const ELSE: &str = "an `else` or a body after a body with a loop: put the loop into a rule or a function of its own";

/// The start of the body's first loop; loops of comprehensions and `every` do not count.
pub(in crate::rego) fn first_loop(program: &Program, entry: u32) -> Option<usize> {
    let mut comprehensions = 0_usize;
    let from = usize::try_from(entry).ok()?;
    for (at, instruction) in program.instructions.iter().enumerate().skip(from) {
        match *instruction {
            Instruction::ComprehensionBegin { .. } => {
                comprehensions = comprehensions.saturating_add(1);
            }
            Instruction::ComprehensionEnd {} => comprehensions = comprehensions.saturating_sub(1),
            Instruction::LoopStart { params_index } if comprehensions == 0 => {
                let params = program.instruction_data.get_loop_params(params_index);
                if params.is_none_or(|params| params.mode != LoopMode::Every) {
                    return Some(at);
                }
            }
            Instruction::RuleReturn {} => break,
            _ => {}
        }
    }
    None
}

/// Whether an argument is made of names and constants.
fn is_plain(pattern: &Expr) -> bool {
    match pattern {
        Expr::Array { items, .. } => items.iter().all(|item| is_plain(item)),
        Expr::UnaryExpr { expr, .. } => matches!(expr.as_ref(), Expr::Number { .. }),
        // Objects are refused as patterns.
        Expr::Var { .. } | Expr::Object { .. } => true,
        pattern => walk::is_constant(pattern),
    }
}

fn has_object(pattern: &Expr) -> bool {
    match pattern {
        Expr::Object { .. } => true,
        Expr::Array { items, .. } => items.iter().any(|item| has_object(item)),
        _ => false,
    }
}
