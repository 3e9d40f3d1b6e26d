//! Words into a tree. The first fault of a file ends it; Icinga does the same.

use super::{
    super::source::Place,
    lexer::{Token, Word, Wrong, words},
    syntax::{Expr, How, Item, Loop, Object, Statement, Top, What},
    value::Value,
};

/// Deeper than this is no configuration of anybody, and would cost the stack.
const MAX_DEPTH: u32 = 60;

/// Signs between two values, those that bind least first.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|", "^"],
    &["&"],
    &["in", "!in"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

const SETTERS: &[&str] = &["=", "+=", "-=", "*=", "/=", "%=", "|=", "&="];

/// Statements that need Icinga's own daemon.
const PROGRAM: &[&str] = &[
    "for",
    "while",
    "function",
    "throw",
    "try",
    "namespace",
    "using",
    "library",
    "return",
    "break",
    "continue",
    "debugger",
    "object",
    "template",
    "apply",
];

/// The items of a file.
pub fn items(text: &str, file: u32) -> (Vec<Item>, Option<Wrong>) {
    let tokens = match words(text) {
        Ok(tokens) => tokens,
        Err(wrong) => return (Vec::new(), Some(wrong)),
    };
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        file,
        brackets: 0,
        depth: 0,
    };
    let mut items = Vec::new();
    loop {
        parser.blank();
        if *parser.word() == Word::End {
            return (items, None);
        }
        match parser.item() {
            Ok(item) => items.push(item),
            Err(wrong) => return (items, Some(wrong)),
        }
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    file: u32,
    /// Within round and square ones the end of a line means nothing.
    brackets: u32,
    depth: u32,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        let mut at = self.at;
        while 0 < self.brackets && self.tokens[at].word == Word::Line {
            at += 1;
        }
        &self.tokens[at]
    }

    fn word(&self) -> &Word {
        &self.token().word
    }

    fn step(&mut self) {
        while 0 < self.brackets && self.tokens[self.at].word == Word::Line {
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn place(&self) -> Place {
        Place {
            file: self.file,
            line: self.token().line,
        }
    }

    fn is(&self, sign: &str) -> bool {
        match self.word() {
            Word::Sign(found) => *found == sign,
            Word::Name(found) => found == sign,
            _ => false,
        }
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.step();
        }
        found
    }

    fn wrong<T>(&self, message: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
        Err((self.token().line, message.into(), help.into()))
    }

    fn must(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.eat(sign) {
            return Ok(());
        }
        self.wrong(
            format!("`{sign}` is missing before {}", self.shown()),
            "look for a bracket or a quote that is missing here or above",
        )
    }

    fn shown(&self) -> String {
        match self.word() {
            Word::Name(name) => format!("`{name}`"),
            Word::Number(number) => format!("`{number}`"),
            Word::Text(text) => format!("{text:?}"),
            Word::Sign(sign) => format!("`{sign}`"),
            Word::Line => "the end of the line".to_owned(),
            Word::End => "the end of the file".to_owned(),
        }
    }

    /// Passes ends of lines and signs that only part statements.
    fn blank(&mut self) {
        while matches!(self.word(), Word::Line | Word::Sign(";" | ",")) {
            self.step();
        }
    }

    fn lines(&mut self) {
        while *self.word() == Word::Line {
            self.step();
        }
    }

    fn item(&mut self) -> Result<Item, Wrong> {
        let place = self.place();
        let above = self.token().above.clone();
        let what = match self.word() {
            Word::Name(word) => match word.as_str() {
                "object" | "template" | "apply" => Top::Object(self.object()?),
                "const" => {
                    self.step();
                    let name = self.name()?;
                    self.must("=")?;
                    Top::Const(name, self.expr()?)
                }
                "include" | "include_recursive" => {
                    let is_recursive = self.is("include_recursive");
                    self.step();
                    if self.is("<") {
                        while !self.is(">") && !matches!(self.word(), Word::Line | Word::End) {
                            self.step();
                        }
                        self.must(">")?;
                        return Ok(Item {
                            place,
                            above: Vec::new(),
                            what: Top::Include(Expr::Is(Value::Null), false),
                        });
                    }
                    let path = self.expr()?;
                    while self.eat(",") {
                        self.lines();
                        self.expr()?;
                    }
                    Top::Include(path, is_recursive)
                }
                "include_zones" => {
                    self.rest_of_statement();
                    Top::Other(Statement {
                        place,
                        what: What::Unsupported(
                            "include_zones: name the directory of the zone to import it",
                        ),
                    })
                }
                _ => Top::Other(self.statement()?),
            },
            _ => Top::Other(self.statement()?),
        };
        self.ends()?;
        Ok(Item { place, above, what })
    }

    /// A statement ends with its line, a `;` or a `,`, or where the block does.
    fn ends(&mut self) -> Result<(), Wrong> {
        if matches!(
            self.word(),
            Word::Line | Word::End | Word::Sign(";" | "," | "}")
        ) {
            return Ok(());
        }
        self.wrong(
            format!("{} is not expected here", self.shown()),
            "begin a new line, or look for a sign that is missing in front of it",
        )
    }

    fn name(&mut self) -> Result<String, Wrong> {
        self.eat("@");
        match self.word().clone() {
            Word::Name(name) | Word::Text(name) => {
                self.step();
                Ok(name)
            }
            _ => self.wrong(
                format!("a name is missing before {}", self.shown()),
                "write it",
            ),
        }
    }

    fn object(&mut self) -> Result<Object, Wrong> {
        let how = self.name()?;
        let kind = self.name()?;
        let mut object = Object {
            how: match how.as_str() {
                "object" => How::Object,
                "template" => How::Template(false),
                _ => How::Apply(None, None),
            },
            kind,
            name: None,
            body: Vec::new(),
        };
        if !["for", "to", "assign", "ignore", "use"]
            .iter()
            .any(|word| self.is(word))
            && !self.is("{")
        {
            object.name = Some(self.expr()?);
        }
        loop {
            let place = self.place();
            if self.eat("default") {
                object.how = How::Template(true);
            } else if self.eat("ignore_on_error") {
            } else if self.is("assign") || self.is("ignore") {
                let is_assign = self.is("assign");
                self.step();
                self.must("where")?;
                let what = What::Rule(is_assign, self.expr()?);
                object.body.push(Statement { place, what });
            } else if self.eat("to") {
                let target = self.name()?;
                if let How::Apply(to, _) = &mut object.how {
                    *to = Some(target);
                }
            } else if self.eat("use") {
                self.skip_brackets()?;
            } else if self.eat("for") {
                let found = self.apply_loop()?;
                if let How::Apply(_, over) = &mut object.how {
                    *over = Some(found);
                }
            } else {
                break;
            }
        }
        self.lines();
        object.body.extend(self.block()?);
        Ok(object)
    }

    fn apply_loop(&mut self) -> Result<Loop, Wrong> {
        self.must("(")?;
        self.brackets += 1;
        let key = self.name()?;
        let value = if self.eat("=>") {
            Some(self.name()?)
        } else {
            None
        };
        self.must("in")?;
        let of = self.expr()?;
        self.must(")")?;
        self.brackets -= 1;
        Ok(Loop { key, value, of })
    }

    /// Statements between braces.
    fn block(&mut self) -> Result<Vec<Statement>, Wrong> {
        self.deeper()?;
        self.must("{")?;
        let outer = std::mem::take(&mut self.brackets);
        let mut statements = Vec::new();
        loop {
            self.blank();
            if self.is("}") {
                break;
            }
            if *self.word() == Word::End {
                return self.wrong("a `{` is not closed", "close it with a brace");
            }
            statements.push(self.statement()?);
            self.ends()?;
        }
        self.step();
        self.brackets = outer;
        self.depth -= 1;
        Ok(statements)
    }

    fn deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if MAX_DEPTH < self.depth {
            return self.wrong("brackets are nested too deeply", "take some of them apart");
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<Statement, Wrong> {
        let place = self.place();
        let what = match self.word().clone() {
            Word::Name(word) => match word.as_str() {
                "import" => {
                    self.step();
                    What::Import(self.expr()?)
                }
                "assign" | "ignore" => {
                    self.step();
                    self.must("where")?;
                    What::Rule(word == "assign", self.expr()?)
                }
                "var" | "const" => {
                    self.step();
                    let name = self.name()?;
                    self.must("=")?;
                    self.lines();
                    What::Local(name, self.expr()?)
                }
                "if" => self.condition()?,
                other => match PROGRAM.iter().find(|known| **known == other) {
                    Some(found) => {
                        self.rest_of_statement();
                        What::Unsupported(found)
                    }
                    None => self.set_or_do()?,
                },
            },
            _ => self.set_or_do()?,
        };
        Ok(Statement { place, what })
    }

    fn condition(&mut self) -> Result<What, Wrong> {
        self.must("if")?;
        self.must("(")?;
        self.brackets += 1;
        let condition = self.expr()?;
        self.must(")")?;
        self.brackets -= 1;
        self.lines();
        let then = self.block()?;
        // `else` may stand on the next line.
        let back = self.at;
        self.lines();
        if !self.eat("else") {
            self.at = back;
            return Ok(What::If(condition, then, Vec::new()));
        }
        self.lines();
        let other = if self.is("if") {
            self.deeper()?;
            let place = self.place();
            let what = self.condition()?;
            self.depth -= 1;
            vec![Statement { place, what }]
        } else {
            self.block()?
        };
        Ok(What::If(condition, then, other))
    }

    fn set_or_do(&mut self) -> Result<What, Wrong> {
        let left = self.expr()?;
        let setter = match self.word() {
            Word::Sign(sign) => SETTERS.iter().find(|known| *known == sign),
            _ => None,
        };
        let Some(setter) = setter else {
            return Ok(What::Do(left));
        };
        self.step();
        self.lines();
        Ok(What::Set(left, setter, self.expr()?))
    }

    /// Passes what cannot be run: to the end of the line, with all brackets that open on it.
    fn rest_of_statement(&mut self) {
        let mut open = 0_u32;
        loop {
            match self.tokens[self.at].word {
                Word::End => return,
                Word::Line if open == 0 => return,
                Word::Sign("{{") => open += 2,
                Word::Sign("{" | "(" | "[") => open += 1,
                Word::Sign("}") if open == 0 => return,
                Word::Sign("}" | ")" | "]") => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
    }

    fn skip_brackets(&mut self) -> Result<(), Wrong> {
        let mut open = 0_u32;
        loop {
            match self.tokens[self.at].word {
                Word::End => return self.wrong("a bracket is not closed", "close it"),
                Word::Sign("{{") => open += 2,
                Word::Sign("{" | "(" | "[") => open += 1,
                Word::Sign("}" | ")" | "]") => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn expr(&mut self) -> Result<Expr, Wrong> {
        self.deeper()?;
        let condition = self.binary(0)?;
        let expr = if self.eat("?") {
            self.lines();
            let then = self.expr()?;
            self.lines();
            self.must(":")?;
            self.lines();
            Expr::Choice(Box::new([condition, then, self.expr()?]))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// Signs of this level and those that bind more.
    fn binary(&mut self, least: usize) -> Result<Expr, Wrong> {
        let mut left = self.unary()?;
        while let Some((level, sign)) = self.sign().filter(|(level, _)| least <= *level) {
            self.step();
            if sign == "!in" {
                self.step();
            }
            self.lines();
            let right = self.binary(level + 1)?;
            left = Expr::Binary(sign, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    /// The sign between two values that stands here, and how much it binds.
    fn sign(&self) -> Option<(usize, &'static str)> {
        let not_in = self.is("!")
            && self
                .tokens
                .get(self.at + 1)
                .is_some_and(|next| next.word == Word::Name("in".to_owned()));
        LEVELS.iter().enumerate().find_map(|(level, signs)| {
            let is_here = |sign: &&&str| {
                if **sign == "!in" {
                    not_in
                } else {
                    self.is(sign)
                }
            };
            Some((level, *signs.iter().find(is_here)?))
        })
    }

    fn unary(&mut self) -> Result<Expr, Wrong> {
        for sign in ["!", "-", "+", "~", "&", "*"] {
            if self.eat(sign) {
                self.deeper()?;
                let inner = self.unary()?;
                self.depth -= 1;
                return Ok(match sign {
                    "+" => inner,
                    "&" | "*" => Expr::Unsupported("a reference"),
                    sign => Expr::Unary(sign, Box::new(inner)),
                });
            }
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Expr, Wrong> {
        let mut expr = self.primary()?;
        loop {
            if self.eat(".") {
                let name = self.name()?;
                expr = Expr::Of(Box::new(expr), Box::new(Expr::Is(Value::Text(name))));
            } else if self.eat("[") {
                self.brackets += 1;
                let index = self.expr()?;
                self.must("]")?;
                self.brackets -= 1;
                expr = Expr::Of(Box::new(expr), Box::new(index));
            } else if self.eat("(") {
                expr = Expr::Call(Box::new(expr), self.several(")")?);
            } else if self.eat("=>") {
                self.lambda()?;
                return Ok(Expr::Unsupported("a function"));
            } else {
                return Ok(expr);
            }
        }
    }

    /// Values up to a closing bracket.
    fn several(&mut self, close: &'static str) -> Result<Vec<Expr>, Wrong> {
        self.brackets += 1;
        let mut items = Vec::new();
        while !self.is(close) {
            items.push(self.expr()?);
            if !self.eat(",") {
                break;
            }
        }
        self.must(close)?;
        self.brackets -= 1;
        Ok(items)
    }

    /// What a function does, which is not looked at.
    fn lambda(&mut self) -> Result<(), Wrong> {
        if self.is("{") {
            self.skip_brackets()
        } else {
            self.expr().map(|_| ())
        }
    }

    fn primary(&mut self) -> Result<Expr, Wrong> {
        let expr = match self.word().clone() {
            Word::Text(text) => Expr::Is(Value::Text(text)),
            Word::Number(number) => Expr::Is(Value::Number(number)),
            Word::Sign("@") => return self.name().map(Expr::Name),
            Word::Sign("{") => return self.block().map(Expr::Map),
            Word::Sign("{{") => {
                self.skip_brackets()?;
                return Ok(Expr::Unsupported("a function"));
            }
            Word::Sign("[") => {
                self.step();
                return self.several("]").map(Expr::List);
            }
            Word::Sign("(") => {
                self.step();
                let mut inner = self.several(")")?;
                if self.eat("=>") {
                    self.lambda()?;
                    return Ok(Expr::Unsupported("a function"));
                }
                return match (inner.pop(), inner.is_empty()) {
                    (Some(one), true) => Ok(one),
                    _ => self.wrong(
                        "these brackets hold no value",
                        "write one value between them",
                    ),
                };
            }
            Word::Name(name) => match name.as_str() {
                "true" => Expr::Is(Value::Flag(true)),
                "false" => Expr::Is(Value::Flag(false)),
                "null" => Expr::Is(Value::Null),
                "function" => {
                    self.step();
                    while !self.is("(") && !matches!(self.word(), Word::Line | Word::End) {
                        self.step();
                    }
                    self.skip_brackets()?;
                    if self.eat("use") {
                        self.skip_brackets()?;
                    }
                    self.lines();
                    self.skip_brackets()?;
                    return Ok(Expr::Unsupported("a function"));
                }
                "if" => {
                    self.rest_of_statement();
                    return Ok(Expr::Unsupported("`if` as a value"));
                }
                _ => Expr::Name(name),
            },
            _ => {
                return self.wrong(
                    format!("a value is missing before {}", self.shown()),
                    "write it, or put a text between quotes",
                );
            }
        };
        self.step();
        Ok(expr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Vec<Statement> {
        let (items, wrong) = items(&format!("object Host \"h\" {{\n{text}\n}}"), 0);
        assert_eq!(wrong, None, "{text}");
        match items.into_iter().next().expect("an item").what {
            Top::Object(object) => object.body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn statements_end_with_lines_semicolons_and_commas() {
        assert_eq!(
            body("a = 1\nb += [ 2,\n 3 ]; vars.c[\"d\"] = {\n e = 4, f = 5 }").len(),
            3
        );
        assert_eq!(
            body("if (a &&\n b) {\n c = 1\n}\nelse if (d) { c = 2 } else { c = 3 }\ne = 1").len(),
            2
        );
        assert_eq!(
            body("assign where a &&\n (b ||\n c)\nignore where d").len(),
            2
        );
    }

    #[test]
    fn functions_are_passed_and_what_follows_is_read() {
        for text in [
            "a = {{ if (b) { return 1 } }}",
            "a = (x) => { return x }",
            "a = x => x + 1",
            "a = function(x) use (y) {\n return x\n}",
            "for (x in y) {\n z(x)\n}",
        ] {
            assert_eq!(body(&format!("{text}\nlast = 1")).len(), 2, "{text}");
        }
    }

    #[test]
    fn faults_name_the_line() {
        for (text, line) in [
            ("object Host \"h\" {\n a = \n}", 3),
            ("object Host \"h\" {\n a = 1 b = 2\n}", 2),
            ("\nobject Host \"h\" {\n a = 1", 3),
            ("object Host {\n a = (1\n}", 3),
            ("apply Service for (a b) {\n}", 1),
        ] {
            let (_, wrong) = items(text, 0);
            assert_eq!(wrong.expect(text).0, line, "{text}");
        }
        assert!(items(&format!("a = {}", "(".repeat(10_000)), 0).1.is_some());
    }

    #[test]
    fn apply_in_all_forms() {
        let text = "apply Service \"a-\" for (k => v in host.vars.x) use (y) to Host assign where true {\n}\n\
                    apply Notification \"n\" to Service {\n}\n\
                    template Host \"t\" default {\n}\n\
                    apply Service for (v in host.vars.x) {\n}";
        let (items, wrong) = items(text, 0);
        assert_eq!(wrong, None);
        let how: Vec<String> = items
            .iter()
            .map(|item| match &item.what {
                Top::Object(Object {
                    how: How::Apply(to, over),
                    body,
                    ..
                }) => {
                    format!("{to:?} {} {}", over.is_some(), body.len())
                }
                Top::Object(Object { how, .. }) => format!("{how:?}"),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            how,
            [
                "Some(\"Host\") true 1",
                "Some(\"Service\") false 0",
                "Template(true)",
                "None true 0"
            ]
        );
    }
}
