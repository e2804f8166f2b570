//! A DBC text as words, numbers and strings.

use std::str::FromStr;

/// What is wrong, and in which line.
#[derive(Debug)]
pub(super) struct Problem {
    pub line: usize,
    pub text: String,
}

/// A place in a text. Everything but [`Scanner::rest_of_line`] passes over white space first.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Byte offset, always at a character's begin.
    at: usize,
    line: usize,
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: text.trim_start_matches('\u{feff}'), at: 0, line: 1 }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn problem(&self, text: &str) -> Problem {
        Problem { line: self.line, text: text.to_owned() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let passed = self.rest().get(..bytes).unwrap_or("");
        self.line += passed.matches('\n').count();
        self.at += passed.len();
        passed
    }

    /// As long as a character is one of those.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.advance(end)
    }

    /// White space, and comments, which no standard has and some files do.
    fn skip_space(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest().starts_with("//") {
                return;
            }
            self.skip_line();
        }
    }

    /// The next statement's keyword; `None` at the end. Stray `;` are passed over.
    pub(super) fn keyword(&mut self) -> Option<&'a str> {
        while self.optional(';') {}
        if self.rest().is_empty() {
            return None;
        }
        let word = self.take_while(is_word);
        Some(if word.is_empty() { self.rest().split_whitespace().next().unwrap_or("") } else { word })
    }

    pub(super) fn character(&mut self) -> Option<char> {
        self.skip_space();
        let character = self.rest().chars().next()?;
        self.advance(character.len_utf8());
        Some(character)
    }

    pub(super) fn optional(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(wanted);
        if found {
            self.advance(wanted.len_utf8());
        }
        found
    }

    pub(super) fn optional_word(&mut self, wanted: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(wanted);
        if found {
            self.advance(wanted.len());
        }
        found
    }

    pub(super) fn expect(&mut self, wanted: char) -> Result<(), Problem> {
        if self.optional(wanted) {
            return Ok(());
        }
        let found: String = self.rest().chars().take(20).take_while(|&character| character != '\n').collect();
        Err(self.problem(&format!("`{wanted}` expected, found `{found}`")))
    }

    pub(super) fn word(&mut self) -> Result<&'a str, Problem> {
        self.skip_space();
        let word = self.take_while(is_word);
        if word.is_empty() { Err(self.problem("a name expected")) } else { Ok(word) }
    }

    /// A whole number without a sign.
    pub(super) fn number<T: FromStr>(&mut self) -> Result<T, Problem> {
        self.skip_space();
        let before = self.at;
        let digits = self.take_while(|character| character.is_ascii_digit());
        digits.parse().map_err(|_| {
            self.at = before;
            self.problem("a whole number in range expected")
        })
    }

    /// A finite number with sign, fraction and exponent.
    pub(super) fn float(&mut self) -> Result<f64, Problem> {
        self.skip_space();
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let end = (0..bytes.len())
            .find(|&at| match bytes[at] {
                b'0'..=b'9' | b'.' | b'e' | b'E' => false,
                // A sign is part of it at the beginning and after an `e`.
                b'+' | b'-' => at > 0 && !matches!(bytes[at - 1], b'e' | b'E'),
                _ => true,
            })
            .unwrap_or(bytes.len());
        let number = self.advance(end).parse().unwrap_or(f64::NAN);
        if number.is_finite() { Ok(number) } else { Err(self.problem("a number expected")) }
    }

    /// `"…"`, with `\"` inside for a quotation mark.
    pub(super) fn string(&mut self) -> Result<String, Problem> {
        self.expect('"')?;
        let mut text = String::new();
        let rest = self.rest();
        let mut characters = rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.advance(at + 1);
                    return Ok(text);
                }
                '\\' if rest.get(at + 1..).is_some_and(|rest| rest.starts_with('"')) => {
                    text.push('"');
                    characters.next();
                }
                _ => text.push(character),
            }
        }
        Err(self.problem("a string without an end"))
    }

    pub(super) fn rest_of_line(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.advance(end)
    }

    pub(super) fn skip_line(&mut self) {
        self.rest_of_line();
    }

    /// This line's rest and all lines after it that are empty or begin with white space and no signal.
    pub(super) fn skip_indented_lines(&mut self) {
        loop {
            self.skip_line();
            let line = self.rest().lines().next().unwrap_or("");
            let blank = line.trim().is_empty();
            let indented = line.starts_with(char::is_whitespace) && !line.trim_start().starts_with("SG_ ");
            if self.rest().is_empty() || !(blank || indented) {
                return;
            }
        }
    }

    /// Up to and with the next `;` outside of strings.
    pub(super) fn end_of_statement(&mut self) -> Result<(), Problem> {
        let line = self.line;
        loop {
            self.skip_space();
            match self.rest().chars().next() {
                Some(';') => {
                    self.advance(1);
                    return Ok(());
                }
                Some('"') => {
                    self.string()?;
                }
                Some(character) => {
                    self.advance(character.len_utf8());
                }
                None => return Err(Problem { line, text: "a statement without `;`".to_owned() }),
            }
        }
    }
}
