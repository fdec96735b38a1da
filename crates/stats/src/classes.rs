//! How well classes are told apart: counts per class, F1, and which are taken for which.

use crate::accuracy;

/// How often one class was found, missed and seen where it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCounts {
    /// Items that have the class and were given it.
    pub found: u64,
    /// Items that were given the class without having it.
    pub wrongly: u64,
    /// Items that have the class and were not given it.
    pub missed: u64,
}

impl ClassCounts {
    /// Number of items that have the class.
    pub fn support(&self) -> u64 {
        self.found + self.missed
    }

    /// The share of right ones among those given the class; 0 when it was never given.
    pub fn precision(&self) -> f64 {
        accuracy(self.found, self.found + self.wrongly).unwrap_or(0.0)
    }

    /// The share of the class's items that were given it; 0 when none has it.
    pub fn recall(&self) -> f64 {
        accuracy(self.found, self.support()).unwrap_or(0.0)
    }

    /// The harmonic mean of precision and recall; 0 when the class was never given nor there.
    pub fn f1(&self) -> f64 {
        accuracy(2 * self.found, 2 * self.found + self.wrongly + self.missed).unwrap_or(0.0)
    }

    /// Counts an item that has the class or not, and was given it or not.
    pub fn count(&mut self, expected: bool, predicted: bool) {
        match (expected, predicted) {
            (true, true) => self.found += 1,
            (false, true) => self.wrongly += 1,
            (true, false) => self.missed += 1,
            (false, false) => {}
        }
    }
}

/// The mean of the classes' F1, each counting the same; 0 for no classes.
///
/// A class that neither occurs nor is ever given has F1 0, as in scikit-learn with
/// `zero_division=0`.
pub fn macro_f1(classes: &[ClassCounts]) -> f64 {
    match classes.len() {
        0 => 0.0,
        n => classes.iter().map(ClassCounts::f1).sum::<f64>() / n as f64,
    }
}

/// F1 of all decisions together, so that frequent classes count more.
///
/// Where every item has and is given exactly one class it is the accuracy.
pub fn micro_f1(classes: &[ClassCounts]) -> f64 {
    let mut all = ClassCounts::default();
    for class in classes {
        all.found += class.found;
        all.wrongly += class.wrongly;
        all.missed += class.missed;
    }
    all.f1()
}

/// Which class was taken for which, where every item has and is given exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    n_classes: usize,
    /// One row per expected class, one column per predicted one.
    counts: Vec<u64>,
}

/// One kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The class it is.
    pub expected: usize,
    /// The class it was taken for.
    pub predicted: usize,
    /// How often.
    pub count: u64,
}

impl Confusion {
    /// No item yet, of `n_classes` classes.
    pub fn new(n_classes: usize) -> Confusion {
        Confusion {
            n_classes,
            counts: vec![0; n_classes * n_classes],
        }
    }

    /// Counts an item. Class numbers beyond the known ones are not counted.
    pub fn count(&mut self, expected: usize, predicted: usize) {
        if expected < self.n_classes && predicted < self.n_classes {
            self.counts[expected * self.n_classes + predicted] += 1;
        }
    }

    /// How often `expected` was taken for `predicted`; 0 for unknown classes.
    pub fn at(&self, expected: usize, predicted: usize) -> u64 {
        if expected < self.n_classes && predicted < self.n_classes {
            self.counts[expected * self.n_classes + predicted]
        } else {
            0
        }
    }

    /// The counts of each class.
    pub fn classes(&self) -> Vec<ClassCounts> {
        let mut classes = vec![ClassCounts::default(); self.n_classes];
        for expected in 0..self.n_classes {
            for predicted in 0..self.n_classes {
                let count = self.at(expected, predicted);
                if expected == predicted {
                    classes[expected].found += count;
                } else {
                    classes[expected].missed += count;
                    classes[predicted].wrongly += count;
                }
            }
        }
        classes
    }

    /// The `k` most frequent mistakes, most frequent first; of equally frequent ones the lower
    /// classes first.
    pub fn mistakes(&self, k: usize) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = (0..self.n_classes)
            .flat_map(|expected| (0..self.n_classes).map(move |predicted| (expected, predicted)))
            .filter(|(expected, predicted)| expected != predicted)
            .map(|(expected, predicted)| Mistake {
                expected,
                predicted,
                count: self.at(expected, predicted),
            })
            .filter(|mistake| mistake.count > 0)
            .collect();
        mistakes.sort_by_key(|mistake| std::cmp::Reverse(mistake.count));
        mistakes.truncate(k);
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Precision, recall, F1 and support per class, macro and micro F1, as
    /// `tests/fixtures/statistics.py` prints them from scikit-learn.
    #[track_caller]
    fn check(classes: &[ClassCounts], expected: &[[f64; 4]], macro_: f64, micro: f64) {
        let close = |met: f64, expected: f64| (met - expected).abs() < 1e-12;
        assert_eq!(classes.len(), expected.len());
        for (class, [precision, recall, f1, support]) in classes.iter().zip(expected) {
            assert!(close(class.precision(), *precision), "{class:?}");
            assert!(close(class.recall(), *recall), "{class:?}");
            assert!(close(class.f1(), *f1), "{class:?}");
            assert!(close(class.support() as f64, *support), "{class:?}");
        }
        assert!(close(macro_f1(classes), macro_), "{}", macro_f1(classes));
        assert!(close(micro_f1(classes), micro), "{}", micro_f1(classes));
    }

    fn confusion() -> Confusion {
        let expected = [0, 0, 0, 1, 1, 1, 1, 2, 2, 0];
        let predicted = [0, 1, 0, 1, 1, 2, 0, 2, 1, 1];
        let mut confusion = Confusion::new(4);
        for (expected, predicted) in expected.into_iter().zip(predicted) {
            confusion.count(expected, predicted);
        }
        confusion
    }

    #[test]
    fn figures_for_one_class_per_item_are_those_of_scikit_learn() {
        check(
            &confusion().classes(),
            &[
                [0.666_666_666_666_666_6, 0.5, 0.571_428_571_428_571_4, 4.0],
                [0.4, 0.5, 0.444_444_444_444_444_4, 4.0],
                [0.5, 0.5, 0.5, 2.0],
                [0.0, 0.0, 0.0, 0.0],
            ],
            0.378_968_253_968_253_95,
            0.5,
        );
    }

    #[test]
    fn figures_for_any_number_of_classes_per_item_are_those_of_scikit_learn() {
        let expected = [
            [1, 0, 0],
            [1, 1, 0],
            [0, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
            [1, 0, 1],
        ];
        let predicted = [
            [1, 0, 0],
            [1, 0, 0],
            [0, 1, 0],
            [0, 1, 0],
            [1, 0, 0],
            [1, 0, 0],
        ];
        let mut classes = [ClassCounts::default(); 3];
        for (expected, predicted) in expected.iter().zip(predicted) {
            for (class, counts) in classes.iter_mut().enumerate() {
                counts.count(expected[class] == 1, predicted[class] == 1);
            }
        }
        check(
            &classes,
            &[
                [0.75, 1.0, 0.857_142_857_142_857_1, 3.0],
                [0.5, 0.5, 0.5, 2.0],
                [0.0, 0.0, 0.0, 2.0],
            ],
            0.452_380_952_380_952_4,
            0.615_384_615_384_615_4,
        );
    }

    #[test]
    fn the_confusion_is_that_of_scikit_learn() {
        let confusion = confusion();
        let met: Vec<Vec<u64>> = (0..4)
            .map(|row| (0..4).map(|column| confusion.at(row, column)).collect())
            .collect();
        let expected = [[2, 2, 0, 0], [1, 2, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]];
        assert_eq!(met, expected);
    }

    #[test]
    fn the_most_frequent_mistakes_come_first() {
        let mistake = |expected, predicted, count| Mistake {
            expected,
            predicted,
            count,
        };
        assert_eq!(
            confusion().mistakes(3),
            [mistake(0, 1, 2), mistake(1, 0, 1), mistake(1, 2, 1)]
        );
        assert_eq!(confusion().mistakes(9).len(), 4);
    }

    #[test]
    fn unknown_classes_are_not_counted() {
        let mut confusion = Confusion::new(2);
        confusion.count(2, 0);
        confusion.count(0, 2);
        assert_eq!(confusion, Confusion::new(2));
        assert_eq!(confusion.at(2, 0), 0);
    }

    #[test]
    fn no_classes_score_nothing() {
        assert_eq!((macro_f1(&[]), micro_f1(&[])), (0.0, 0.0));
    }
}
