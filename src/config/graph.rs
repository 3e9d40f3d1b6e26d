//! Circles and order among things that name one another: templates, periods, contact groups, parents.

/// What a walk over all things found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Every thing, after all that it leads to (edges that close a circle aside).
    pub order: Vec<usize>,
    /// Each circle as the things on it, starting with the one that an edge leads back to. Each thing is on at
    /// most one of the circles that are told.
    pub circles: Vec<Vec<usize>>,
}

/// Walks depth first, without recursion: a chain may be as long as it likes.
pub(super) fn walk(edges: &[Vec<usize>]) -> Walk {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut walk = Walk::default();
    let mut color = vec![NEW; edges.len()];
    let mut told = vec![false; edges.len()];
    for start in 0..edges.len() {
        if color[start] != NEW {
            continue;
        }
        // The path from `start`, with the next edge to follow from each.
        let mut path = vec![(start, 0)];
        color[start] = OPEN;
        while let Some((at, next)) = path.last_mut() {
            let Some(to) = edges[*at].get(*next).copied() else {
                color[*at] = DONE;
                walk.order.push(*at);
                path.pop();
                continue;
            };
            *next += 1;
            match color[to] {
                NEW => {
                    color[to] = OPEN;
                    path.push((to, 0));
                }
                OPEN => {
                    let from = path.iter().position(|(seen, _)| *seen == to).unwrap_or(0);
                    let circle: Vec<usize> = path[from..].iter().map(|(seen, _)| *seen).collect();
                    if !circle.iter().any(|seen| told[*seen]) {
                        circle.iter().for_each(|seen| told[*seen] = true);
                        walk.circles.push(circle);
                    }
                }
                _ => {}
            }
        }
    }
    walk
}

/// `a → b → a`
pub(super) fn show<'a>(circle: &[usize], name: impl Fn(usize) -> &'a str) -> String {
    let names: Vec<String> = circle
        .iter()
        .chain(circle.first())
        .map(|at| format!("`{}`", name(*at)))
        .collect();
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_circles_and_an_order() {
        let found = walk(&[vec![1, 2], vec![2], vec![]]);
        assert_eq!(
            found,
            Walk {
                order: vec![2, 1, 0],
                circles: vec![]
            }
        );
        let found = walk(&[vec![1], vec![2], vec![0, 1], vec![3]]);
        assert_eq!(found.circles, [vec![0, 1, 2], vec![3]]);
        assert_eq!(found.order.len(), 4);
        assert_eq!(show(&[0, 1], |at| ["a", "b"][at]), "`a` → `b` → `a`");
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let edges: Vec<Vec<usize>> = (1..=200_000)
            .map(|next| if next < 200_000 { vec![next] } else { vec![] })
            .collect();
        assert_eq!(walk(&edges).order.len(), 200_000);
    }
}
