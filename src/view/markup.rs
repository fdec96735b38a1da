//! Lists and tables of figures as markup: nothing in them changes once they are shown, so they need
//! no more than text. Whatever they are given is escaped.

/// Text that is only text, in content and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            other => safe.push(other),
        }
    }
    safe
}

/// An element with nothing but text in it.
pub(super) fn element(tag: &str, text: &str) -> String {
    format!("<{tag}>{}</{tag}>", escaped(text))
}

/// A table in a frame that scrolls where it is too wide; the first cell of each row names it.
pub(super) fn table(caption: &str, head: &[String], rows: &[Vec<String>]) -> String {
    let head: String = head
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", escaped(name)))
        .collect();
    let mut body = String::new();
    for row in rows {
        body += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            body += &match at {
                0 => format!("<th scope=\"row\">{}</th>", escaped(cell)),
                _ => element("td", cell),
            };
        }
        body += "</tr>";
    }
    let caption = escaped(caption);
    format!(
        "<div class=\"table-frame\" tabindex=\"0\" role=\"group\" aria-label=\"{caption}\"><table>\
         <caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// Names with their values.
pub(super) fn facts(facts: &[(String, String)]) -> String {
    let pairs: String = facts
        .iter()
        .map(|(name, value)| format!("<div>{}{}</div>", element("dt", name), element("dd", value)))
        .collect();
    format!("<dl class=\"figures\">{pairs}</dl>")
}

/// A list; nothing for no items.
pub(super) fn list(class: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| element("li", item)).collect();
    format!("<ul class=\"{class}\">{items}</ul>")
}

/// What stands inside `<select>`; the option at `chosen` is selected.
pub(super) fn options(titles: &[String], chosen: usize) -> String {
    let option = |(at, title): (usize, &String)| {
        let selected = if at == chosen { " selected" } else { "" };
        format!(
            "<option value=\"{at}\"{selected}>{}</option>",
            escaped(title)
        )
    };
    titles.iter().enumerate().map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_become_markup() {
        assert_eq!(
            escaped("<img src=x onerror=\"a\"> & co"),
            "&lt;img src=x onerror=&quot;a&quot;&gt; &amp; co"
        );
        let rows = [vec!["<i>".to_owned(), "</td>".to_owned()]];
        let table = table("\"", &["&".to_owned()], &rows);
        assert!(table.contains("aria-label=\"&quot;\""), "{table}");
        assert!(
            !table.contains("<i>") && table.contains("&lt;/td&gt;"),
            "{table}"
        );
    }

    #[test]
    fn the_first_cell_of_a_row_names_it() {
        let rows = [vec!["Infer".to_owned(), "3".to_owned()]];
        let table = table("Stages", &["Stage".to_owned(), "n".to_owned()], &rows);
        assert!(
            table.contains("<tr><th scope=\"row\">Infer</th><td>3</td></tr>"),
            "{table}"
        );
    }

    #[test]
    fn one_option_is_selected() {
        let titles = ["a".to_owned(), "b".to_owned()];
        let expected = "<option value=\"0\">a</option><option value=\"1\" selected>b</option>";
        assert_eq!(options(&titles, 1), expected);
    }

    #[test]
    fn no_items_are_no_list() {
        assert_eq!(list("warnings", &[]), "");
    }
}
