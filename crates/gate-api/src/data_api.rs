//! OPA's Data API: evaluates any document of the policy on any input.

use serde_json::{Map, Value, json};

use crate::gate::Gate;
use crate::problem::{Code, Problem};
use crate::request::document;

/// Most segments of a path.
const MAX_PATH_SEGMENTS: usize = 32;

/// Most bytes of an answer: a connection whose caller does not read holds one.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

impl Gate {
    /// `POST /v1/data/{path}` of OPA's Data API: `{"input": …}` → `{"result": …}`, or `{}` when
    /// the document is undefined. The parts of the path are not encoded.
    ///
    /// # Errors
    /// A [`Problem`] if the body is not such an object or the evaluation fails.
    pub fn query(&self, path: &[&str], body: &[u8]) -> Result<Vec<u8>, Problem> {
        let request = if body.trim_ascii().is_empty() {
            Map::new()
        } else {
            document::with_any_numbers(body)?
        };
        let input = request.get("input").unwrap_or(&Value::Null);
        if path.len() > MAX_PATH_SEGMENTS {
            let detail = format!("the path has more than {MAX_PATH_SEGMENTS} segments");
            return Err(Problem::new(Code::NotFound, detail));
        }
        let result = self.policy().query(path, input)?;
        let answer = result.map_or_else(|| json!({}), |result| json!({"result": result}));
        let answer = answer.to_string().into_bytes();
        if answer.len() > MAX_ANSWER_BYTES {
            let detail =
                format!("the answer is larger than {MAX_ANSWER_BYTES} bytes: ask for less");
            return Err(Problem::new(Code::QueryFailed, detail));
        }
        Ok(answer)
    }
}
