//! Training texts divided so that every part has every label.

use vitrine_stats::Random;

use crate::corpus::Example;

/// Puts each text into one of `n_folds` folds, by chance, with each label spread evenly.
///
/// Texts are dealt out label by label, by the first label of a text; each label goes on where the
/// one before stopped, so folds differ by one text at most. The same seed gives the same folds.
pub fn folds(examples: &[Example], n_folds: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    random.shuffle(&mut order);
    order.sort_by_key(|at| examples[*at].labels.first().copied());
    let mut fold_of = vec![0; examples.len()];
    for (turn, at) in order.into_iter().enumerate() {
        fold_of[at] = turn % n_folds.max(1);
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(counts: &[usize]) -> Vec<Example> {
        let labels = counts.iter().enumerate();
        labels
            .flat_map(|(label, count)| (0..*count).map(move |_| label))
            .map(|label| Example {
                text: String::new(),
                labels: vec![label],
            })
            .collect()
    }

    #[test]
    fn every_fold_has_its_share_of_every_label() {
        let examples = examples(&[40, 21, 10, 3]);
        let fold_of = folds(&examples, 10, 7);
        for (label, count) in [40_usize, 21, 10, 3].into_iter().enumerate() {
            for fold in 0..10 {
                let met = examples
                    .iter()
                    .zip(&fold_of)
                    .filter(|(example, of)| example.labels == [label] && **of == fold)
                    .count();
                assert!(
                    (count / 10..=count.div_ceil(10)).contains(&met),
                    "{label} {fold}"
                );
            }
        }
    }

    #[test]
    fn the_seed_decides_the_folds() {
        let examples = examples(&[30, 30]);
        assert_eq!(folds(&examples, 5, 1), folds(&examples, 5, 1));
        assert_ne!(folds(&examples, 5, 1), folds(&examples, 5, 2));
    }
}
