//! `assets/training.toml`: which heads there are and how each is trained.

use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::corpus::Group;

/// Every head of `assets/training.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipes {
    /// In the order of the file.
    #[serde(rename = "head")]
    pub all: Vec<HeadRecipe>,
}

/// One head: what it tells and how it is trained.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecipe {
    /// Its name, as the command takes it: `emotion`.
    pub name: String,
    /// Id of the data set in `assets/data.toml`.
    pub data: String,
    /// Id of the encoder in `assets/models.toml`.
    pub encoder: String,
    /// File under `assets/labels/` with a line per label, key and name separated by a tab.
    pub labels: String,
    /// Whether a text has exactly one label or any number of them.
    pub kind: Kind,
    /// What it reads of a text.
    pub reads: Reads,
    /// Labels of the data set that become one; none to take them as they are.
    #[serde(default)]
    pub group: Vec<NamedGroup>,
    /// How it is trained.
    pub training: Training,
}

/// Labels that become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedGroup {
    /// Its name.
    pub name: String,
    /// The labels it is made of.
    pub of: Vec<String>,
}

/// How many labels a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Exactly one: softmax, and cross-entropy as the loss.
    SingleLabel,
    /// Any number: a sigmoid per class, and binary cross-entropy summed over classes as the loss.
    MultiLabel,
}

/// What a head reads of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// The mean of the encoder's states over all tokens: one row of features.
    Mean,
    /// The states of every token; each label chooses where to look.
    Tokens,
}

/// How a head is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Length of the hidden layer of one member; 0 for none, which only a head that reads the mean
    /// can do without.
    pub hidden: usize,
    /// How many heads are trained from different random beginnings. Their logits are averaged,
    /// which makes one head with their hidden layers side by side. Heads that read tokens are alone.
    pub members: usize,
    /// Most passes over the training texts.
    pub epochs: usize,
    /// Passes without a smaller loss on dev after which training ends, and the best is taken.
    /// Without, all passes are made and the last is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Texts per step.
    pub batch: usize,
    /// Highest step size of AdamW; it rises over the first twentieth of all steps and then falls to
    /// 0 along a cosine.
    pub learning_rate: f32,
    /// Decoupled weight decay of AdamW; biases do not decay.
    pub weight_decay: f32,
    /// Share of features left out at random.
    pub input_dropout: f32,
    /// Share of hidden values left out at random.
    pub dropout: f32,
    /// Against labels that are wrong: this much of each label is spread over all labels.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Against labels that are wrong: this much of each label is replaced by what heads trained on
    /// the other texts say of the text (cross-fitting in `folds` folds).
    #[serde(default)]
    pub second_opinion: f32,
    /// Against imbalance: a label weighs this power of (texts without it / texts with it). 0 for
    /// equal weights; multi-label only.
    #[serde(default)]
    pub rare_label_power: f32,
}

/// Folds in which texts get a second opinion.
pub const FOLDS: usize = 4;

impl Recipes {
    /// Reads the text of `assets/training.toml`.
    ///
    /// # Errors
    /// [`TrainError::Recipe`] when it is not as described here, or a number is out of its range.
    pub fn parse(text: &str) -> Result<Recipes, TrainError> {
        let recipes: Recipes = toml::from_str(text)
            .map_err(|error| TrainError::Recipe(error.to_string().trim_end().into()))?;
        for recipe in &recipes.all {
            recipe.check()?;
        }
        Ok(recipes)
    }

    /// The recipe with this name.
    ///
    /// # Errors
    /// [`TrainError::Recipe`] with the names there are.
    pub fn get(&self, name: &str) -> Result<&HeadRecipe, TrainError> {
        self.all
            .iter()
            .find(|recipe| recipe.name == name)
            .ok_or_else(|| {
                let known: Vec<&str> = self.all.iter().map(|known| known.name.as_str()).collect();
                let known = known.join(", ");
                TrainError::Recipe(format!("there is no head `{name}`; there are {known}"))
            })
    }
}

impl HeadRecipe {
    /// Its groups as [`Corpus::grouped`](crate::Corpus::grouped) takes them.
    pub fn groups(&self) -> Vec<Group> {
        self.group
            .iter()
            .map(|group| (group.name.clone(), group.of.clone()))
            .collect()
    }
}

impl HeadRecipe {
    fn check(&self) -> Result<(), TrainError> {
        let training = &self.training;
        let shares = [
            ("input_dropout", training.input_dropout),
            ("dropout", training.dropout),
            ("label_smoothing", training.label_smoothing),
            ("second_opinion", training.second_opinion),
        ];
        let wrong_share = shares.iter().find(|(_, share)| !(0.0..1.0).contains(share));
        let problem = match wrong_share {
            Some((field, share)) => Some(format!("{field} is {share}, expected 0 to below 1")),
            None if training.members == 0 => Some("members is 0".into()),
            None if training.epochs == 0 => Some("epochs is 0".into()),
            None if training.batch == 0 => Some("batch is 0".into()),
            None if training.learning_rate.is_nan() || training.learning_rate <= 0.0 => {
                Some(format!("learning_rate is {}", training.learning_rate))
            }
            None if self.reads == Reads::Tokens && training.members != 1 => Some(format!(
                "members is {}, expected 1 for tokens",
                training.members
            )),
            None if self.reads == Reads::Tokens && training.hidden == 0 => {
                Some("hidden is 0, expected more for tokens".into())
            }
            None => None,
        };
        match problem {
            Some(problem) => Err(TrainError::Recipe(format!("head {}: {problem}", self.name))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../assets/training.toml");

    #[test]
    fn the_recipes_of_this_repository_are_read() {
        let recipes = Recipes::parse(TEXT).unwrap();
        assert_eq!(recipes.get("intent").unwrap().kind, Kind::SingleLabel);
        let sentiment = recipes.get("sentiment").unwrap();
        let n_labels: usize = sentiment.group.iter().map(|group| group.of.len()).sum();
        assert_eq!((sentiment.group.len(), n_labels), (4, 28));
    }

    #[track_caller]
    fn check_error(from: &str, to: &str, part: &str) {
        let changed = TEXT.replacen(from, to, 1);
        assert_ne!(changed, TEXT, "the change takes place");
        let words = Recipes::parse(&changed).unwrap_err().to_string();
        assert!(words.contains(part), "{words}");
    }

    #[test]
    fn what_cannot_be_right_is_named() {
        check_error("dropout = 0", "dropout = 1", "dropout is 1");
        check_error("members = ", "members = 0 # ", "members is 0");
        check_error("hidden = ", "hiden = ", "hiden");
    }

    #[test]
    fn an_unknown_head_is_answered_with_the_known_ones() {
        let words = Recipes::parse(TEXT)
            .unwrap()
            .get("mood")
            .unwrap_err()
            .to_string();
        assert!(
            words.contains("mood") && words.contains("emotion"),
            "{words}"
        );
    }
}
