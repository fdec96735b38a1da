//! Tables of texts: CSV, also with semicolons or tabs.

use std::io::{Chain, Read as _};

use csv::{ReaderBuilder, StringRecord};
use vitrine_protocol::{TableFacts, TextError};

use super::{DecodedText, Limits, decode, excerpt};

/// Rows that a page shows before anything is analysed.
const PREVIEW_ROWS: usize = 5;

/// Longest name of a column, in characters. A survey's question fits, most answers do not.
const MAX_NAME: usize = 80;

/// A table that was checked from the first row to the last.
///
/// It keeps the decoded text and where each row begins, and cuts cells out when they are asked for.
#[derive(Clone, Debug)]
pub struct Table {
    text: String,
    delimiter: u8,
    /// Byte of `text` where each row begins; blank lines may stand before it.
    starts: Vec<u32>,
    facts: TableFacts,
}

impl Table {
    /// Reads a table in which every row has as many cells as the first.
    ///
    /// Cells may stand in quotation marks and then hold delimiters, line ends, and marks written
    /// twice. Lines end in LF, CRLF or CR; blank lines are skipped. The text is decoded as
    /// [`decode`] says. Cells are separated by tabs where the first line has any outside quotation
    /// marks, else by commas or semicolons, whichever it has more of; where it has none, every line
    /// is one cell.
    ///
    /// The first row names the columns when each of its cells could be a name: not empty (the first
    /// cell may be, over exported row numbers), no number, at most 80 characters, unlike the row's
    /// other cells, and never found again further down in its column. In a table of one column it
    /// must also be at most half as long as the texts under it, by which `review` over sentences is
    /// told from one more sentence.
    ///
    /// # Errors
    /// [`TextError::TooManyBytes`], [`TextError::NotText`] and [`TextError::Empty`] for the file,
    /// [`TextError::RaggedRow`] and [`TextError::OpenQuote`] for the first row at fault with its
    /// line, [`TextError::TooMany`] and [`TextError::NoRows`] for the number of columns and rows.
    pub fn open(file: Vec<u8>, limits: &Limits) -> Result<Table, TextError> {
        limits.check_table_bytes(file.len() as u64)?;
        let DecodedText { text, n_replaced } = decode(file)?;
        let delimiter = delimiter(&text);
        let mut scan = Scan::of(&text, delimiter, limits)?;
        let has_names = scan.first_row_names_columns();
        let columns = match has_names {
            true => names(&scan.first),
            false => names(&StringRecord::from(vec![""; scan.first.len()])),
        };
        if has_names {
            scan.starts.remove(0);
            scan.preview.remove(0);
        } else {
            scan.count_first_row();
        }
        if scan.starts.is_empty() {
            return Err(TextError::NoRows);
        }
        if scan.starts.len() > limits.max_rows {
            return Err(too_many("rows", limits.max_rows));
        }
        scan.preview.truncate(PREVIEW_ROWS);
        let facts = TableFacts {
            columns,
            n_rows: scan.starts.len(),
            likely_column: scan.longest_column(),
            preview: scan.preview,
            n_replaced,
        };
        let starts = scan.starts;
        Ok(Table {
            text,
            delimiter,
            starts,
            facts,
        })
    }

    /// What the table holds. Cells of the preview are shown as [`excerpt`] cuts them.
    pub fn facts(&self) -> &TableFacts {
        &self.facts
    }

    /// The cells of one column from row `from` on, at most `count` of them; fewer at the end of the
    /// table.
    ///
    /// # Errors
    /// [`TextError::NoSuchRows`] for a column or a first row that the table does not have.
    pub fn texts(
        &self,
        column: usize,
        from: usize,
        count: usize,
    ) -> Result<Vec<String>, TextError> {
        let start = self.starts.get(from).ok_or(TextError::NoSuchRows)?;
        if column >= self.facts.columns.len() {
            return Err(TextError::NoSuchRows);
        }
        let count = count.min(self.starts.len() - from);
        let rows = &self.text[*start as usize..];
        (reader(rows, self.delimiter).records().take(count))
            .map(|record| Ok(record.map_err(unreadable)?[column].to_owned()))
            .collect()
    }
}

/// What stands before the text that is read. The reader drops a byte order mark at its very beginning,
/// where for us begins any row; blank lines it skips.
const BEFORE: &[u8] = b"\n";

fn reader(text: &str, delimiter: u8) -> csv::Reader<Chain<&[u8], &[u8]>> {
    ReaderBuilder::new()
        .has_headers(false)
        // Rows of another length are reported by us, with the line that an editor shows.
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(BEFORE.chain(text.as_bytes()))
}

/// Where a reader stands in its text, in bytes.
fn position(reader: &csv::Reader<Chain<&[u8], &[u8]>>) -> usize {
    (reader.position().byte() as usize).saturating_sub(BEFORE.len())
}

fn unreadable(error: csv::Error) -> TextError {
    let detail = error.to_string();
    TextError::Unreadable { detail }
}

/// What separates cells where there is one column: a byte that no decoded text holds.
const NO_DELIMITER: u8 = 0;

/// What separates the cells of the first line that is not blank.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b'\t', 0), (b',', 0), (b';', 0)];
    let mut quoted = false;
    for byte in text.trim_start_matches(['\r', '\n']).bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if !quoted => {
                for (delimiter, count) in &mut counts {
                    *count += usize::from(byte == *delimiter);
                }
            }
            _ => {}
        }
    }
    let [(tab, tabs), (comma, commas), (semicolon, semicolons)] = counts;
    // Prose has commas and semicolons, but no tabs.
    if tabs > 0 {
        tab
    } else if semicolons > commas {
        semicolon
    } else if commas > 0 {
        comma
    } else {
        NO_DELIMITER
    }
}

/// Names of the columns, by the cells that name them; an empty one gets its number.
fn names(row: &StringRecord) -> Vec<String> {
    row.iter()
        .enumerate()
        .map(|(column, name)| match name.trim() {
            "" => format!("Column {}", column + 1),
            name => name.to_owned(),
        })
        .collect()
}

/// What one pass over the table learns.
struct Scan {
    /// Byte where each row begins, the first row included.
    starts: Vec<u32>,
    /// The first row, whole.
    first: StringRecord,
    /// Excerpts of the first row and of those that the preview needs.
    preview: Vec<Vec<String>>,
    /// Characters of each column, without the first row.
    n_characters: Vec<u64>,
    /// Whether any cell of the first row is found again in its column.
    first_comes_again: bool,
}

impl Scan {
    fn of(text: &str, delimiter: u8, limits: &Limits) -> Result<Scan, TextError> {
        let mut reader = reader(text, delimiter);
        let mut scan = Scan {
            starts: Vec::new(),
            first: StringRecord::new(),
            preview: Vec::new(),
            n_characters: Vec::new(),
            first_comes_again: false,
        };
        let mut row = StringRecord::new();
        loop {
            let start = position(&reader);
            if !reader.read_record(&mut row).map_err(unreadable)? {
                return Ok(scan);
            }
            let end = position(&reader).min(text.len());
            if end == text.len()
                && let Some(offset) = open_quote(&text.as_bytes()[start..], delimiter)
            {
                let line = line_at(text, start + offset);
                return Err(TextError::OpenQuote { line });
            }
            if !scan.starts.is_empty() && row.len() != scan.first.len() {
                return Err(TextError::RaggedRow {
                    line: line_at(text, start + blank_bytes(&text[start..])),
                    met: row.len(),
                    expected: scan.first.len(),
                });
            }
            scan.take(&row, start, limits)?;
        }
    }

    /// Takes a row that has as many cells as the first.
    fn take(&mut self, row: &StringRecord, start: usize, limits: &Limits) -> Result<(), TextError> {
        if self.starts.is_empty() {
            if row.len() > limits.max_columns {
                return Err(too_many("columns", limits.max_columns));
            }
            self.first.clone_from(row);
            self.n_characters = vec![0; row.len()];
        } else {
            for (column, cell) in row.iter().enumerate() {
                self.n_characters[column] += cell.chars().count() as u64;
                self.first_comes_again |= !cell.is_empty() && cell == &self.first[column];
            }
        }
        // One more than the limit, because the first may turn out to name the columns.
        if self.starts.len() == limits.max_rows + 1 {
            return Err(too_many("rows", limits.max_rows));
        }
        if self.starts.len() <= PREVIEW_ROWS {
            self.preview.push(row.iter().map(excerpt).collect());
        }
        self.starts.push(start as u32);
        Ok(())
    }

    fn first_row_names_columns(&self) -> bool {
        let could_be_name = |(column, cell): (usize, &str)| {
            let cell = cell.trim();
            let is_empty = cell.is_empty() && column > 0;
            let is_double = self
                .first
                .iter()
                .take(column)
                .any(|other| other.trim() == cell);
            let is_number = cell.parse::<f64>().is_ok();
            let is_long = cell.chars().nth(MAX_NAME).is_some();
            !(is_empty || is_double || is_number || is_long)
        };
        let n_rows_below = self.starts.len() as u64 - 1;
        let is_short = self.first.len() > 1
            || n_rows_below == 0
            || 2 * self.first[0].chars().count() as u64 * n_rows_below <= self.n_characters[0];
        self.first.iter().enumerate().all(could_be_name) && is_short && !self.first_comes_again
    }

    fn count_first_row(&mut self) {
        for (sum, cell) in self.n_characters.iter_mut().zip(&self.first) {
            *sum += cell.chars().count() as u64;
        }
    }

    /// The column with the most characters, which is the one with the longest mean; of several the
    /// first.
    fn longest_column(&self) -> usize {
        let longest = self.n_characters.iter().copied().max();
        let is_longest = |sum: &u64| Some(*sum) == longest;
        self.n_characters.iter().position(is_longest).unwrap_or(0)
    }
}

fn too_many(what: &str, limit: usize) -> TextError {
    TextError::TooMany {
        what: what.to_owned(),
        limit: limit as u64,
    }
}

/// Where the quotation mark stands that nothing closes, in the last row of a table.
///
/// A mark opens a cell only at its beginning; elsewhere it is a character like others, as the
/// reader takes it.
fn open_quote(row: &[u8], delimiter: u8) -> Option<usize> {
    let mut open = None;
    let mut at_cell_start = true;
    let mut at = 0;
    while at < row.len() {
        match (open, row[at]) {
            (Some(_), b'"') if row.get(at + 1) == Some(&b'"') => at += 1,
            (Some(_), b'"') => {
                open = None;
                at_cell_start = false;
            }
            (Some(_), _) => {}
            (None, b'"') if at_cell_start => open = Some(at),
            (None, byte) => at_cell_start = byte == delimiter || matches!(byte, b'\r' | b'\n'),
        }
        at += 1;
    }
    open
}

/// Bytes of the blank lines that a row's text begins with.
fn blank_bytes(text: &str) -> usize {
    text.len() - text.trim_start_matches(['\r', '\n']).len()
}

/// Number of the line at a byte, from 1.
fn line_at(text: &str, byte: usize) -> u64 {
    let before = &text.as_bytes()[..byte];
    let ends_line = |at: usize| match before[at] {
        b'\n' => true,
        b'\r' => before.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    1 + (0..before.len()).filter(|at| ends_line(*at)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Table, TextError> {
        Table::open(text.as_bytes().to_vec(), &Limits::default())
    }

    #[track_caller]
    fn check_columns(text: &str, columns: &[&str], n_rows: usize) {
        let table = open(text).unwrap();
        assert_eq!(table.facts().columns, columns);
        assert_eq!(table.facts().n_rows, n_rows);
    }

    #[track_caller]
    fn check_cells(text: &str, column: usize, cells: &[&str]) {
        let table = open(text).unwrap();
        assert_eq!(table.texts(column, 0, usize::MAX).unwrap(), cells);
    }

    #[track_caller]
    fn check_refused(text: &str, error: TextError) {
        assert_eq!(open(text).err(), Some(error));
    }

    #[test]
    fn cells_are_separated_by_what_the_first_line_has() {
        check_columns("id,text\n1,a; b; c\n", &["id", "text"], 1);
        check_columns("id;text\n1;a, b, c\n", &["id", "text"], 1);
        check_columns(
            "text, or so; more\tid\na, b\t1\n",
            &["text, or so; more", "id"],
            1,
        );
        check_columns("\"a;b;c\",text\n1,2\n", &["a;b;c", "text"], 1);
        check_columns(
            "review\nNothing, at all; to split\tit by.\n",
            &["review"],
            1,
        );
    }

    #[test]
    fn quotation_marks_hold_delimiters_line_ends_and_each_other() {
        check_cells(
            "id,text\r\n1,\"one, two\"\r\n2,\"line\r\nbreak\"\r\n3,\"say \"\"hi\"\"\"\r\n4,\"\"\r\n",
            1,
            &["one, two", "line\r\nbreak", "say \"hi\"", ""],
        );
        check_cells(
            "id,text\n1,5\" nails\n2,a \"b\" c\n",
            1,
            &["5\" nails", "a \"b\" c"],
        );
    }

    #[test]
    fn every_line_end_is_known_and_blank_lines_are_none() {
        check_cells("id,text\r1,a\r2,b", 1, &["a", "b"]);
        check_cells("id,text\n1,a\n2,b\n", 1, &["a", "b"]);
        check_cells("\n\nid,text\n\n1,a\r\n\r\n2,b\n\n", 1, &["a", "b"]);
    }

    #[test]
    fn the_first_row_names_the_columns_where_it_could() {
        check_columns(
            "text,category\nWhere is it?,card\n",
            &["text", "category"],
            1,
        );
        check_columns(",text\n0,Fine.\n", &["Column 1", "text"], 1);
        check_columns(
            "How was it?,Why?\ngood,cheap\n",
            &["How was it?", "Why?"],
            1,
        );
        check_columns("review\nIt broke on the first day.\n", &["review"], 1);
    }

    #[test]
    fn a_first_row_that_is_like_the_others_is_one_of_them() {
        check_columns(
            "I love it.\t17\teeb\nNo.\t2\tfdx\n",
            &["Column 1", "Column 2", "Column 3"],
            2,
        );
        check_columns(
            "Great,positive\nBad,negative\nOk,positive\n",
            &["Column 1", "Column 2"],
            3,
        );
        check_columns(
            "It broke at once.\nI like it very much.\n",
            &["Column 1"],
            2,
        );
        check_columns("text,text\na,b\n", &["Column 1", "Column 2"], 2);
        check_columns("text,\na,b\n", &["Column 1", "Column 2"], 2);
        check_columns(
            &format!("id,{}\n1,b\n", "a".repeat(81)),
            &["Column 1", "Column 2"],
            2,
        );
    }

    #[test]
    fn the_likely_column_has_the_longest_texts() {
        let likely = |text| open(text).unwrap().facts().likely_column;
        assert_eq!(likely("a very long name,text\n1,a little longer\n2,\n"), 1);
        assert_eq!(likely("1,2,a sentence\n3,4,another\n"), 2);
        assert_eq!(likely("ab,cd\nab,cd\n"), 0);
        assert_eq!(likely("id,日本語の文\n12345678,日本語の文章です。\n"), 1);
    }

    #[test]
    fn the_preview_shows_five_rows() {
        let text: String = (0..9).map(|row| format!("{row},row {row}\n")).collect();
        let facts = open(&format!("id,text\n{text}")).unwrap().facts().clone();
        assert_eq!(facts.preview.len(), 5);
        assert_eq!(facts.preview[4], ["4", "row 4"]);
        let facts = open(&text).unwrap().facts().clone();
        assert_eq!(facts.preview.len(), 5);
        assert_eq!(facts.preview[0], ["0", "row 0"]);
    }

    #[test]
    fn rows_are_asked_for_in_parts() {
        let table = open("id,text\n1,a\n2,\"b\nb\"\n\n3,c\n").unwrap();
        assert_eq!(table.texts(1, 1, 1).unwrap(), ["b\nb"]);
        assert_eq!(table.texts(1, 1, 9).unwrap(), ["b\nb", "c"]);
        assert_eq!(table.texts(0, 2, 1).unwrap(), ["3"]);
        assert_eq!(table.texts(1, 3, 1), Err(TextError::NoSuchRows));
        assert_eq!(table.texts(2, 0, 1), Err(TextError::NoSuchRows));
    }

    #[test]
    fn a_row_of_another_length_is_named_by_its_line() {
        let ragged = |line, met, expected| TextError::RaggedRow {
            line,
            met,
            expected,
        };
        check_refused("id,text\n1,a\n2,b,c\n", ragged(3, 3, 2));
        check_refused("id,text\n1,\"a\nb\nc\"\n\n\n2\n", ragged(7, 1, 2));
        check_refused("id,text\r\n\r\n1,a\r\n2\r\n", ragged(4, 1, 2));
        check_refused("id,text\r1,a\r2\r", ragged(3, 1, 2));
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_named_by_its_line() {
        check_refused(
            "id,text\n1,a\n2,\"b\n3,c\n",
            TextError::OpenQuote { line: 3 },
        );
        check_refused(
            "id,text\n1,\"a\nb\",\n\"",
            TextError::RaggedRow {
                line: 2,
                met: 3,
                expected: 2,
            },
        );
        check_refused(
            "id,text\n1,\"a\nb\"\n3,\"\"\"",
            TextError::OpenQuote { line: 4 },
        );
        check_refused("\"id,text\n1,a\n", TextError::OpenQuote { line: 1 });
    }

    #[test]
    fn a_table_without_rows_is_none() {
        check_refused("id,text\n", TextError::NoRows);
        check_refused("\u{FEFF}\n\n", TextError::Empty);
        check_refused("id,te\0xt\n", TextError::NotText { offset: 5 });
    }

    #[test]
    fn bytes_that_were_replaced_are_counted() {
        let file = b"id,text\n1,caf\xE9\n".to_vec();
        let table = Table::open(file, &Limits::default()).unwrap();
        assert_eq!(table.facts().n_replaced, 1);
        assert_eq!(table.texts(1, 0, 1).unwrap(), ["caf\u{FFFD}"]);
    }

    #[test]
    fn limits_hold_for_columns_and_rows() {
        let limits = Limits {
            max_rows: 2,
            max_columns: 2,
            ..Limits::default()
        };
        let met = |text: &str| Table::open(text.as_bytes().to_vec(), &limits).map(|_| ());
        assert_eq!(met("id,text\n1,a\n2,b\n"), Ok(()));
        assert_eq!(met("id,text\n1,a\n2,b\n3,c\n"), Err(too_many("rows", 2)));
        assert_eq!(met("1,a\n2,b\n3,c\n"), Err(too_many("rows", 2)));
        assert_eq!(met("a,b,c\n1,2,3\n"), Err(too_many("columns", 2)));
    }

    #[test]
    fn a_hundred_thousand_rows_are_read_from_end_to_end() {
        let rows: String = (0..100_000)
            .map(|row| format!("{row},\"Text, {row}\"\n"))
            .collect();
        let table = open(&format!("id,text\n{rows}")).unwrap();
        assert_eq!(table.facts().n_rows, 100_000);
        assert_eq!(
            table.texts(1, 99_998, 5).unwrap(),
            ["Text, 99998", "Text, 99999"]
        );
    }

    #[test]
    fn a_byte_order_mark_within_a_table_belongs_to_its_cell() {
        let table = open("id,said\n\u{FEFF}one,a\n\u{FEFF}two,b\n").unwrap();
        let all = table.texts(0, 0, usize::MAX).unwrap();
        assert_eq!(all, ["\u{FEFF}one", "\u{FEFF}two"]);
        assert_eq!(table.texts(0, 1, 1).unwrap(), ["\u{FEFF}two"]);
    }
}
