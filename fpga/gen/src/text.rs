//! Lines of text with comments that keep to a width.

/// Widest line.
const WIDTH: usize = 100;

/// Appends `text` as comment lines that begin with `mark`.
pub fn comment(out: &mut String, mark: &str, text: &str) {
    let mut line = mark.to_owned();
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line != mark {
            push(out, &line);
            mark.clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    push(out, &line);
}

/// Appends a line.
pub fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
