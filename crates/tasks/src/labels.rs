//! Label files: one line per class, key and name separated by a tab.

/// One class of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Stable key, such as ImageNet's `n02123045`.
    pub key: String,
    /// Name for people, such as `tabby cat`.
    pub name: String,
}

/// A label file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// There is no line at all.
    #[error("the label file is empty")]
    Empty,
    /// A line without a tab between key and name, or with nothing on one side of it.
    #[error("line {line} is `{text}`, expected a key, a tab and a name")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// The line itself.
        text: String,
    },
}

/// Reads a label file. The order of lines is the order of the model's outputs.
///
/// The name is everything behind the first tab; spaces around key and name are dropped. Windows
/// line ends are accepted, and so is a last line without one.
///
/// # Errors
/// [`LabelError::Line`] names the first line that is not `key<TAB>name`; a blank line is refused
/// too, because it would shift the names behind it. [`LabelError::Empty`] when there is no line.
pub fn parse(text: &str) -> Result<Vec<Label>, LabelError> {
    let labels: Vec<Label> = text
        .lines()
        .enumerate()
        .map(|(index, line)| parse_line(index + 1, line))
        .collect::<Result<_, _>>()?;
    if labels.is_empty() {
        return Err(LabelError::Empty);
    }
    Ok(labels)
}

fn parse_line(line: usize, text: &str) -> Result<Label, LabelError> {
    let (key, name) = text.split_once('\t').unwrap_or_default();
    let (key, name) = (key.trim(), name.trim());
    if key.is_empty() || name.is_empty() {
        let text = text.to_owned();
        return Err(LabelError::Line { line, text });
    }
    Ok(Label {
        key: key.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_parsed(text: &str, expected: &[(&str, &str)]) {
        let labels = parse(text).unwrap();
        let pairs: Vec<(&str, &str)> = labels
            .iter()
            .map(|label| (label.key.as_str(), label.name.as_str()))
            .collect();
        assert_eq!(pairs, expected);
    }

    #[track_caller]
    fn check_refused(text: &str, bad_line: usize) {
        match parse(text) {
            Err(LabelError::Line { line, .. }) => assert_eq!(line, bad_line),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_become_labels_in_order() {
        check_parsed(
            "n01\ttench\nn02\tgreat white shark\n",
            &[("n01", "tench"), ("n02", "great white shark")],
        );
        check_parsed(
            "n01\ttench\r\nn02\teel",
            &[("n01", "tench"), ("n02", "eel")],
        );
    }

    #[test]
    fn the_line_at_fault_is_named() {
        check_refused("n01\ttench\nn02 eel\n", 2);
        check_refused("n01\ttench\n\nn02\teel\n", 2);
        check_refused("\ttench\n", 1);
        check_refused("n01\t \n", 1);
    }

    #[test]
    fn an_empty_file_is_refused() {
        assert_eq!(parse(""), Err(LabelError::Empty));
    }

    #[test]
    fn the_error_says_line_and_text() {
        let words = parse("n02 eel").unwrap_err().to_string();
        assert!(
            words.contains("line 1") && words.contains("n02 eel"),
            "{words}"
        );
    }
}
