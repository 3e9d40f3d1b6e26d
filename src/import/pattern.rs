//! Extended regular expressions of POSIX, as far as names of hosts and services need them: a search, not anchored.
//! Never slow beyond reason: steps are counted.

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Pattern {
    choices: Vec<Vec<Piece>>,
}

#[derive(Clone, Debug)]
struct Piece {
    what: What,
    least: u32,
    most: u32,
}

#[derive(Clone, Debug)]
enum What {
    Char(char),
    Any,
    Set(bool, Vec<(char, char)>),
    Start,
    End,
    Group(Vec<Vec<Piece>>),
}

/// A search that takes more steps than this is given up; names are short.
const MAX_STEPS: u32 = 200_000;

impl Pattern {
    /// The error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        let choices = choices(&chars, &mut at, 0)?;
        match chars.get(at) {
            None => Ok(Self { choices }),
            Some(_) => Err("a `)` closes nothing".to_owned()),
        }
    }

    /// Whether any part of `text` matches.
    pub fn found_in(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let mut steps = 0;
        (0..=chars.len()).any(|from| any(&self.choices, &chars, from, &mut steps, &mut |_, _| true))
    }
}

fn choices(chars: &[char], at: &mut usize, depth: u32) -> Result<Vec<Vec<Piece>>, String> {
    if 20 < depth {
        return Err("brackets are nested too deeply".to_owned());
    }
    let mut all = vec![Vec::new()];
    while let Some(c) = chars.get(*at) {
        let what = match c {
            ')' => break,
            '|' => {
                *at += 1;
                all.push(Vec::new());
                continue;
            }
            '(' => {
                *at += 1;
                let inner = choices(chars, at, depth + 1)?;
                if chars.get(*at) != Some(&')') {
                    return Err("a `(` is not closed".to_owned());
                }
                What::Group(inner)
            }
            '[' => set(chars, at)?,
            '.' => What::Any,
            '^' => What::Start,
            '$' => What::End,
            '*' | '+' | '?' => return Err(format!("`{c}` repeats nothing")),
            '\\' => {
                *at += 1;
                What::Char(*chars.get(*at).ok_or("it ends with a backslash")?)
            }
            c => What::Char(*c),
        };
        *at += 1;
        let (least, most) = repeat(chars, at)?;
        let branch = all.last_mut().expect("one branch at least");
        branch.push(Piece { what, least, most });
    }
    Ok(all)
}

fn set(chars: &[char], at: &mut usize) -> Result<What, String> {
    let unclosed = || "a `[` is not closed".to_owned();
    *at += 1;
    let negated = chars.get(*at) == Some(&'^');
    *at += usize::from(negated);
    let first = *at;
    let mut ranges = Vec::new();
    loop {
        let c = *chars.get(*at).ok_or_else(unclosed)?;
        if c == ']' && first < *at {
            break;
        }
        if c == '[' && chars.get(*at + 1) == Some(&':') {
            let name: String = chars[*at + 2..].iter().take_while(|c| **c != ':').collect();
            ranges.extend(match name.as_str() {
                "digit" => vec![('0', '9')],
                "alpha" => vec![('a', 'z'), ('A', 'Z')],
                "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
                "lower" => vec![('a', 'z')],
                "upper" => vec![('A', 'Z')],
                "space" => vec![(' ', ' '), ('\t', '\t')],
                _ => return Err(format!("there is no class `{name}`")),
            });
            *at += name.chars().count() + 4;
            continue;
        }
        let last = match (chars.get(*at + 1), chars.get(*at + 2)) {
            (Some('-'), Some(last)) if *last != ']' => {
                *at += 2;
                *last
            }
            _ => c,
        };
        ranges.push((c, last));
        *at += 1;
    }
    Ok(What::Set(negated, ranges))
}

fn repeat(chars: &[char], at: &mut usize) -> Result<(u32, u32), String> {
    let times = match chars.get(*at) {
        Some('*') => (0, u32::MAX),
        Some('+') => (1, u32::MAX),
        Some('?') => (0, 1),
        Some('{') => {
            let inner: String = chars[*at + 1..].iter().take_while(|c| **c != '}').collect();
            let bad = || format!("`{{{inner}}}` is not a number of times");
            let (least, most) = match inner.split_once(',') {
                None => (inner.as_str(), Some(inner.as_str())),
                Some((least, "")) => (least, None),
                Some((least, most)) => (least, Some(most)),
            };
            let least = least.parse().map_err(|_| bad())?;
            let most = most.map_or(Ok(u32::MAX), |most| most.parse().map_err(|_| bad()))?;
            *at += inner.chars().count() + 1;
            (least, most)
        }
        _ => return Ok((1, 1)),
    };
    *at += 1;
    Ok(times)
}

type Then<'t> = &'t mut dyn FnMut(usize, &mut u32) -> bool;

fn any(choices: &[Vec<Piece>], text: &[char], at: usize, steps: &mut u32, then: Then<'_>) -> bool {
    choices
        .iter()
        .any(|branch| run(branch, 0, text, at, steps, then))
}

/// Matches `pieces`, the first of which was already matched `done` times.
fn run(
    pieces: &[Piece],
    done: u32,
    text: &[char],
    at: usize,
    steps: &mut u32,
    then: Then<'_>,
) -> bool {
    *steps += 1;
    if MAX_STEPS < *steps {
        return false;
    }
    let Some(piece) = pieces.first() else {
        return then(at, steps);
    };
    if done < piece.most {
        let mut again = |next: usize, steps: &mut u32| {
            // What matches nothing may not be repeated for ever.
            let moved = at < next || done < piece.least;
            moved && run(pieces, done + 1, text, next, steps, then)
        };
        let matched = match &piece.what {
            What::Group(inner) => any(inner, text, at, steps, &mut again),
            what => match step(what, text, at) {
                Some(next) => again(next, steps),
                None => false,
            },
        };
        if matched {
            return true;
        }
    }
    piece.least <= done && run(&pieces[1..], 0, text, at, steps, then)
}

fn step(what: &What, text: &[char], at: usize) -> Option<usize> {
    let c = text.get(at).copied();
    match what {
        What::Start => (at == 0).then_some(at),
        What::End => (at == text.len()).then_some(at),
        What::Any => c.map(|_| at + 1),
        What::Char(wanted) => (c == Some(*wanted)).then_some(at + 1),
        What::Set(negated, ranges) => {
            let c = c?;
            let within = ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&c));
            (within != *negated).then_some(at + 1)
        }
        // Groups are run by their caller.
        What::Group(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn searches_as_posix_does() {
        for (pattern, text, expected) in [
            ("web", "my-web-1", true),
            ("^web", "my-web-1", false),
            ("^web[0-9]+$", "web12", true),
            ("^web[0-9]+$", "web", false),
            ("^(db|web).*\\.example$", "db1.example", true),
            ("^(db|web).*\\.example$", "db1xexample", false),
            ("a{2,3}$", "baaa", true),
            ("^a{2}$", "aaa", false),
            ("[^x]y?", "x", false),
            ("^[[:digit:]]*$", "0123", true),
            ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
            (".*", "", true),
        ] {
            let parsed = Pattern::parse(pattern).expect("good");
            assert_eq!(parsed.found_in(text), expected, "{pattern} {text}");
        }
        for bad in ["(", ")", "[a", "*", "a{x}", "\\"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
