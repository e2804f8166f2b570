//! What can be wrong with the simulator's inputs.

use auriga_hal::HalError;

/// An error of the simulator, saying where it is and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A scenario or plant file is wrong; `problem` names line and field.
    #[error("{file}: {problem}")]
    Configuration {
        /// The file.
        file: String,
        /// Line, field, and what is wrong with it.
        problem: String,
    },
    /// A scenario names something that the map does not have.
    #[error("scenario {scenario}: {field}: {problem}")]
    Place {
        /// The scenario's name.
        scenario: String,
        /// The field that names the place.
        field: String,
        /// What is missing.
        problem: String,
    },
    /// A sensor thread could not be started.
    #[error("sensor thread {name} could not be started: {source}")]
    Thread {
        /// Which.
        name: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl From<SimError> for HalError {
    fn from(error: SimError) -> Self {
        match error {
            SimError::Configuration { file, problem } => Self::Configuration { file, problem },
            other => Self::Platform { platform: "embedded", problem: other.to_string() },
        }
    }
}

/// A configuration error about `field` of a TOML text, with the line on which it stands where it can be found.
pub(crate) fn field_error(text: &str, file: &str, field: &str, problem: &str) -> SimError {
    let problem = match line_of(text, field) {
        Some(line) => format!("line {line}: {field}: {problem}"),
        None => format!("{field}: {problem}"),
    };
    SimError::Configuration { file: file.to_owned(), problem }
}

/// The 1-based line of `table.key`, `actor[2].key` or `key` in a TOML text.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let (table, key) = field.rsplit_once('.').unwrap_or(("", field));
    let (table, wanted) = match table.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()?),
        None => (table, 0),
    };
    let mut current = String::new();
    let mut seen = 0_usize;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            let name = line.trim_start_matches('[').split(']').next().unwrap_or("").trim();
            if name == table && line.starts_with("[[") && !current.is_empty() && name == current {
                seen += 1;
            }
            current = name.to_owned();
        } else if current == table
            && seen == wanted
            && line.split('=').next().map(str::trim) == Some(key)
            && line.contains('=')
        {
            return Some(number + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn fields_are_found_by_table_and_number() {
        let text = "a = 1\n[ego]\na = 2\n[[actor]]\nspeed = 3\n[[actor]]\nspeed = 4\n";
        assert_eq!(line_of(text, "a"), Some(1));
        assert_eq!(line_of(text, "ego.a"), Some(3));
        assert_eq!(line_of(text, "actor[0].speed"), Some(5));
        assert_eq!(line_of(text, "actor[1].speed"), Some(7));
        assert_eq!(line_of(text, "ego.b"), None);
    }
}
