//! SIGKILL in the middle of load: what a caller was told is there after the restart, once.

use crate::sidecar::{Sidecar, order};

const CALLERS: usize = 8;
const ROUNDS: usize = 3;
/// Answers after which the process is killed, of the 480 that the callers ask for.
const KILL_AFTER: usize = 100;

#[test]
fn nothing_that_was_answered_is_lost_or_doubled() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let sidecar = Sidecar::start(dir.path(), &[]);
        let told = load_and_kill(sidecar, round);
        assert!(told.len() >= KILL_AFTER);

        let sidecar = Sidecar::start(dir.path(), &[]);
        let mut client = sidecar.client();
        for (client_id, order_id, trace_id) in &told {
            let again = client.post("/v1/authorize", &order(client_id, order_id, 1, "185.55"));
            let again = again.json();
            assert_eq!(again["replayed"], true, "{client_id} {order_id} was lost");
            assert_eq!(again["trace_id"].as_str(), Some(trace_id.as_str()));
        }
        for caller in 0..CALLERS {
            let client_id = format!("c-{round}-{caller}");
            let answered = told
                .iter()
                .filter(|(client, ..)| *client == client_id)
                .count();
            let open = sidecar.exposure(&client_id)["open_orders"]
                .as_u64()
                .unwrap();
            // The caller had at most one order under way whose answer it did not get.
            let answered = u64::try_from(answered).unwrap();
            assert!(
                (answered..=answered + 1).contains(&open),
                "{open} open, {answered} answered"
            );
        }
    }
}

/// What callers were told before the process was killed: client, order, trace id.
fn load_and_kill(sidecar: Sidecar, round: usize) -> Vec<(String, String, String)> {
    let clients: Vec<_> = (0..CALLERS).map(|_| sidecar.client()).collect();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for (caller, mut client) in clients.into_iter().enumerate() {
            let tell = tell.clone();
            scope.spawn(move || {
                let client_id = format!("c-{round}-{caller}");
                for number in 0..60 {
                    let order_id = format!("o-{number}");
                    let body = order(&client_id, &order_id, 1, "185.55");
                    let Ok(reply) = client.try_post("/v1/authorize", &body) else {
                        return;
                    };
                    let reply = reply.json();
                    assert_eq!(reply["status"], "AUTHORIZED", "{reply}");
                    let trace_id = reply["trace_id"].as_str().unwrap().to_owned();
                    tell.send((client_id.clone(), order_id, trace_id)).unwrap();
                }
            });
        }
        drop(tell);
        let before: Vec<_> = told.iter().take(KILL_AFTER).collect();
        sidecar.kill();
        before.into_iter().chain(told.iter()).collect()
    })
}
