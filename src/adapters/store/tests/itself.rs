//! What deploywatch asks of its own outbox.

use super::*;
use crate::{adapters::store::Settle, domain::itself::Letters};

#[tokio::test]
async fn letters_are_counted_since_a_time_and_not_those_about_letters() {
    let store = Store::memory().unwrap().store;
    let batch = [
        ("a", "web1/http@1", "ann"),
        ("b", "web1/http@1", "bob"),
        ("c", "deploywatch/dead-letters@1", "ann"),
        ("d", "deploywatch/dead-letters-2@1", "cy"),
    ];
    let batch: Vec<Change> = batch
        .iter()
        .map(|(key, dedup, who)| deliver(key, dedup, who, "email"))
        .collect();
    store.commit(batch, at(0)).await.unwrap();
    let rows = store.lease(at(0), 100, Duration::from_secs(30)).await;
    for row in rows.unwrap() {
        let died = match &*row.delivery.key {
            "a" => 10,
            "b" => 20,
            "c" => 40,
            _ => 30,
        };
        let end = Settle::Dead {
            why: format!("550 {}", row.delivery.contact),
        };
        store.settle(row.row_id, at(died), end).await.unwrap();
    }
    let but = ["deploywatch/dead-letters@", "deploywatch/canary@"].map(str::to_owned);
    let letters = async |since| store.dead_letters(at(since), but.clone()).await.unwrap();
    let last = |who: &str| Some((who.to_owned(), "email".to_owned(), format!("550 {who}")));
    let found = |dead, who: &str| Letters {
        dead,
        last: last(who),
    };
    assert_eq!(letters(10).await, found(3, "cy"));
    assert_eq!(letters(20).await, found(2, "cy"));
    assert_eq!(letters(31).await, Letters::default());
}

#[tokio::test]
async fn what_is_given_up_is_tried_no_longer_and_what_was_sent_stays_so() {
    let store = Store::memory().unwrap().store;
    let batch = vec![
        deliver("a", "deploywatch/canary@1", "ann", "email"),
        deliver("b", "deploywatch/canary@1", "bob", "email"),
        deliver("c", "web1/http@1", "bob", "email"),
    ];
    store.commit(batch, at(0)).await.unwrap();
    let rows = store.lease(at(0), 100, Duration::from_secs(30)).await;
    let rows = rows.unwrap();
    let first = rows.iter().find(|row| row.delivery.key == "a").unwrap();
    let sent = Settle::Sent { receipt: None };
    store
        .settle(first.row_id, at(1), sent.clone())
        .await
        .unwrap();
    let key = "deploywatch/canary@1";
    let why = "the test is over".to_owned();
    store.give_up(key.to_owned(), at(2), why).await.unwrap();
    let state = async || -> Vec<String> {
        let rows = store.deliveries(key).await.unwrap();
        rows.into_iter().map(|row| row.state).collect()
    };
    assert_eq!(state().await, ["sent", "dead"]);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.pending, counts.dead), (1, 1));
    // An answer that was under way counts all the same.
    let second = rows.iter().find(|row| row.delivery.key == "b").unwrap();
    store.settle(second.row_id, at(3), sent).await.unwrap();
    assert_eq!(state().await, ["sent", "sent"]);
}
