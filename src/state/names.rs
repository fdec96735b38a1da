//! Names of classes, each once in memory however many answers have it.

use std::collections::HashSet;
use std::sync::Arc;

use vitrine_protocol::Class;

/// Names that answers have had.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<Arc<str>>);

impl Names {
    /// Has these classes share their names with those of earlier answers.
    pub(crate) fn share(&mut self, classes: &mut [Class]) {
        for class in classes {
            match self.0.get(&class.label) {
                Some(name) => class.label = Arc::clone(name),
                None => {
                    self.0.insert(Arc::clone(&class.label));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(label: &str) -> Class {
        Class {
            index: 0,
            label: label.into(),
            logit: 1.0,
            probability: 0.5,
        }
    }

    #[test]
    fn equal_names_are_one() {
        let mut names = Names::default();
        let mut classes = [class("cat"), class("dog"), class("cat")];
        names.share(&mut classes[..2]);
        names.share(&mut classes[2..]);
        assert_eq!(classes, [class("cat"), class("dog"), class("cat")]);
        assert!(Arc::ptr_eq(&classes[0].label, &classes[2].label));
    }
}
