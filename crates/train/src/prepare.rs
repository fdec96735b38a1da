//! Training texts made fit for training: what stands twice, and what stands in the other parts too.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::corpus::{Corpus, Example};

/// What was found in a corpus, and what was done about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Training texts as published.
    pub n_train: usize,
    /// Training texts without a letter or digit: removed.
    pub n_empty: usize,
    /// Training texts that stand before in the very same characters: removed.
    pub n_exact_duplicates: usize,
    /// Training texts that stand before but for case, white space and punctuation: removed.
    pub n_near_duplicates: usize,
    /// Of the texts with duplicates, those whose copies do not have the same labels: the one that
    /// stays has the labels of at least half of them.
    pub n_contested: usize,
    /// Of those, texts no label of which at least half of the copies have: all copies removed.
    pub n_undecided: usize,
    /// Training texts that stand in the dev part in the same characters: removed.
    pub n_exact_leaks_dev: usize,
    /// Training texts that stand in the dev part but for case, white space and punctuation: removed.
    pub n_near_leaks_dev: usize,
    /// Training texts that stand in the test part in the same characters: removed.
    pub n_exact_leaks_test: usize,
    /// Training texts that stand in the test part but for case, white space and punctuation: removed.
    pub n_near_leaks_test: usize,
    /// Test texts that stand in the dev part but for case, white space and punctuation: left where
    /// they are, because published figures have them too.
    pub n_test_in_dev: usize,
    /// Training texts that stay.
    pub n_kept: usize,
    /// Training texts with each label, after all that.
    pub n_per_label: BTreeMap<String, usize>,
    /// The most frequent label's texts over the rarest one's.
    pub imbalance: f64,
}

/// Removes from the training texts what stands twice or in the other parts.
///
/// Returns the positions in `corpus.train` of the texts that stay, rising, with the labels they are
/// trained on. Dev and test texts stay as published: they are what is measured on.
pub fn prepare(corpus: &Corpus) -> (Vec<(usize, Example)>, Findings) {
    let mut findings = Findings {
        n_train: corpus.train.len(),
        ..Findings::default()
    };
    let dev = Texts::of(&corpus.dev);
    let test = Texts::of(&corpus.test);
    findings.n_test_in_dev = corpus
        .test
        .iter()
        .filter(|example| dev.has_near(&example.text))
        .count();

    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of: HashMap<String, usize> = HashMap::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for (at, example) in corpus.train.iter().enumerate() {
        let key = comparable(&example.text);
        if key.is_empty() {
            findings.n_empty += 1;
            continue;
        }
        // A text that is in both counts for test, which matters more.
        let leaks = [
            (
                &test,
                &mut findings.n_exact_leaks_test,
                &mut findings.n_near_leaks_test,
            ),
            (
                &dev,
                &mut findings.n_exact_leaks_dev,
                &mut findings.n_near_leaks_dev,
            ),
        ];
        if is_leak(&example.text, &key, leaks) {
            continue;
        }
        let is_exact = !seen.insert(&example.text);
        match group_of.get(&key) {
            Some(group) => {
                groups[*group].push(at);
                match is_exact {
                    true => findings.n_exact_duplicates += 1,
                    false => findings.n_near_duplicates += 1,
                }
            }
            None => {
                group_of.insert(key, groups.len());
                groups.push(vec![at]);
            }
        }
    }

    let mut kept = Vec::with_capacity(groups.len());
    for group in groups {
        let copies: Vec<&Example> = group.iter().map(|at| &corpus.train[*at]).collect();
        let labels = agreed_labels(&copies);
        let is_contested = copies.iter().any(|copy| copy.labels != copies[0].labels);
        findings.n_contested += usize::from(is_contested);
        if labels.is_empty() {
            findings.n_undecided += 1;
            continue;
        }
        let text = copies[0].text.clone();
        kept.push((group[0], Example { text, labels }));
    }
    findings.n_kept = kept.len();
    findings.count_labels(&corpus.labels, kept.iter().map(|(_, example)| example));
    (kept, findings)
}

impl Findings {
    fn count_labels<'a>(&mut self, labels: &[String], kept: impl Iterator<Item = &'a Example>) {
        let mut counts = vec![0; labels.len()];
        for example in kept {
            for label in &example.labels {
                counts[*label] += 1;
            }
        }
        let most = counts.iter().max().copied().unwrap_or(0);
        let fewest = counts.iter().min().copied().unwrap_or(0);
        self.imbalance = most as f64 / (fewest as f64).max(1.0);
        self.n_per_label = labels.iter().cloned().zip(counts).collect();
    }

    /// The findings in words, a line each, without those that found nothing.
    pub fn lines(&self) -> Vec<String> {
        let removed = [
            (self.n_empty, "without a letter or digit"),
            (self.n_exact_leaks_test, "stand in test"),
            (
                self.n_near_leaks_test,
                "stand in test but for case, space and punctuation",
            ),
            (self.n_exact_leaks_dev, "stand in dev"),
            (
                self.n_near_leaks_dev,
                "stand in dev but for case, space and punctuation",
            ),
            (self.n_exact_duplicates, "stand before"),
            (
                self.n_near_duplicates,
                "stand before but for case, space and punctuation",
            ),
        ];
        let mut lines = vec![format!(
            "{} training texts, {} stay",
            self.n_train, self.n_kept
        )];
        lines.extend(
            removed
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, what)| format!("{n} removed: {what}")),
        );
        lines.push(format!(
            "{} texts have copies with other labels; {} of them go for lack of a majority",
            self.n_contested, self.n_undecided
        ));
        if self.n_test_in_dev > 0 {
            lines.push(format!("{} test texts stand in dev", self.n_test_in_dev));
        }
        lines.push(format!(
            "the most frequent label has {:.0} times the texts of the rarest",
            self.imbalance
        ));
        lines
    }
}

/// The texts of one part, as they stand and as they compare.
struct Texts<'a> {
    exact: HashSet<&'a str>,
    near: HashSet<String>,
}

impl<'a> Texts<'a> {
    fn of(examples: &'a [Example]) -> Texts<'a> {
        Texts {
            exact: examples
                .iter()
                .map(|example| example.text.as_str())
                .collect(),
            near: examples
                .iter()
                .map(|example| comparable(&example.text))
                .filter(|key| !key.is_empty())
                .collect(),
        }
    }

    fn has_near(&self, text: &str) -> bool {
        self.near.contains(&comparable(text))
    }
}

/// Counts a text in the first part that has it, and says whether any has.
fn is_leak(text: &str, key: &str, parts: [(&Texts, &mut usize, &mut usize); 2]) -> bool {
    for (part, exact, near) in parts {
        if part.exact.contains(text) {
            *exact += 1;
            return true;
        }
        if part.near.contains(key) {
            *near += 1;
            return true;
        }
    }
    false
}

/// The labels that at least half of the copies have. Where every copy has one label and no two
/// agree there may be none.
fn agreed_labels(copies: &[&Example]) -> Vec<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for label in copies.iter().flat_map(|copy| &copy.labels) {
        *counts.entry(*label).or_default() += 1;
    }
    // Of two copies with one label each, both labels would have half.
    let is_single = copies.iter().all(|copy| copy.labels.len() == 1);
    let is_enough = |count: usize| match is_single {
        true => 2 * count > copies.len(),
        false => 2 * count >= copies.len(),
    };
    counts
        .into_iter()
        .filter(|(_, count)| is_enough(*count))
        .map(|(label, _)| label)
        .collect()
}

/// What two texts are compared by: lower-case letters and digits, words separated by one space.
/// Characters that are neither, such as emoji, stay where there is nothing else.
fn comparable(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = |keep: fn(char) -> bool| {
        let kept: String = lower
            .chars()
            .map(|c| if keep(c) { c } else { ' ' })
            .collect();
        kept.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let plain = words(char::is_alphanumeric);
    match plain.is_empty() {
        true => words(|c| !c.is_ascii_punctuation() && !c.is_control()),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(rows: &[(&str, &[usize])]) -> Vec<Example> {
        rows.iter()
            .map(|(text, labels)| Example {
                text: (*text).to_owned(),
                labels: labels.to_vec(),
            })
            .collect()
    }

    fn corpus(train: &[(&str, &[usize])]) -> Corpus {
        Corpus {
            labels: vec!["a".into(), "b".into(), "c".into()],
            train: examples(train),
            dev: examples(&[("In dev.", &[0]), ("In both", &[0])]),
            test: examples(&[("In test.", &[0]), ("in both!", &[0])]),
        }
    }

    /// `expected` are positions and labels of the texts that stay.
    #[track_caller]
    fn check(train: &[(&str, &[usize])], expected: &[(usize, &[usize])]) -> Findings {
        let (kept, findings) = prepare(&corpus(train));
        let met: Vec<(usize, &[usize])> = kept
            .iter()
            .map(|(at, example)| (*at, example.labels.as_slice()))
            .collect();
        assert_eq!(met, expected);
        assert_eq!(findings.n_kept, expected.len());
        findings
    }

    #[test]
    fn the_first_of_equal_texts_stays() {
        let findings = check(
            &[
                ("Good day", &[0]),
                ("other", &[1]),
                ("Good day", &[0]),
                ("good  day!", &[0]),
            ],
            &[(0, &[0]), (1, &[1])],
        );
        assert_eq!(
            (findings.n_exact_duplicates, findings.n_near_duplicates),
            (1, 1)
        );
        assert_eq!((findings.n_contested, findings.n_undecided), (0, 0));
    }

    #[test]
    fn texts_of_dev_and_test_go() {
        let findings = check(
            &[
                ("In dev.", &[0]),
                ("in DEV", &[0]),
                ("In test.", &[0]),
                ("in, test", &[0]),
                ("x", &[0]),
            ],
            &[(4, &[0])],
        );
        assert_eq!(
            (findings.n_exact_leaks_dev, findings.n_near_leaks_dev),
            (1, 1)
        );
        assert_eq!(
            (findings.n_exact_leaks_test, findings.n_near_leaks_test),
            (1, 1)
        );
        assert_eq!(findings.n_test_in_dev, 1);
    }

    #[test]
    fn of_copies_that_disagree_the_majority_counts() {
        let findings = check(
            &[
                ("x", &[0]),
                ("x", &[1]),
                ("x", &[1]),
                ("y", &[0]),
                ("y", &[1]),
            ],
            &[(0, &[1])],
        );
        assert_eq!((findings.n_contested, findings.n_undecided), (2, 1));
    }

    #[test]
    fn of_several_labels_those_of_half_the_copies_stay() {
        check(&[("x", &[0, 1]), ("x", &[1, 2])], &[(0, &[0, 1, 2])]);
        check(&[("x", &[0, 1]), ("x", &[1]), ("x", &[1, 2])], &[(0, &[1])]);
    }

    #[test]
    fn a_text_of_emoji_is_a_text_and_one_of_dashes_is_none() {
        let findings = check(&[("😂", &[0]), ("😂 ", &[0]), ("--", &[1])], &[(0, &[0])]);
        assert_eq!((findings.n_empty, findings.n_near_duplicates), (1, 1));
    }

    #[test]
    fn labels_are_counted_after_all_that() {
        let findings = check(
            &[("x", &[0]), ("y", &[0]), ("z", &[0, 1]), ("z", &[0, 1])],
            &[(0, &[0]), (1, &[0]), (2, &[0, 1])],
        );
        assert_eq!(findings.n_per_label["a"], 3);
        assert_eq!(findings.n_per_label["b"], 1);
        assert_eq!(findings.imbalance, 3.0);
    }
}
