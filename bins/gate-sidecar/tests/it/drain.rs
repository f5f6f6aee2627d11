//! SIGTERM in the middle of load: every request that was accepted is answered.

use crate::sidecar::{Sidecar, order};

#[test]
fn a_drain_answers_what_was_accepted_and_then_ends() {
    let dir = tempfile::tempdir().unwrap();
    let sidecar = Sidecar::start(dir.path(), &[]);
    let clients: Vec<_> = (0..8).map(|_| sidecar.client()).collect();
    let started = std::sync::Barrier::new(9);
    let answered: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(caller, mut client)| {
                let started = &started;
                scope.spawn(move || {
                    let client_id = format!("c-{caller}");
                    let mut answered = 0;
                    for number in 0..100_000 {
                        if number == 5 {
                            started.wait();
                        }
                        let body = order(&client_id, &format!("o-{number}"), 1, "0.01");
                        match client.try_post("/v1/authorize", &body) {
                            Ok(reply) => {
                                assert_eq!(reply.status, 200);
                                answered += 1;
                                if reply.header("connection") == Some("close") {
                                    return answered;
                                }
                            }
                            Err(error) => panic!("accepted and not answered: {error}"),
                        }
                    }
                    answered
                })
            })
            .collect();
        started.wait();
        sidecar.signal("TERM");
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .sum()
    });
    assert!(sidecar.wait().success());

    let sidecar = Sidecar::start(dir.path(), &[]);
    let mut client = sidecar.client();
    let replayed = (0..8)
        .flat_map(|caller| (0..5).map(move |number| (caller, number)))
        .filter(|(caller, number)| {
            let body = order(&format!("c-{caller}"), &format!("o-{number}"), 1, "0.01");
            client.post("/v1/authorize", &body).json()["replayed"] == true
        })
        .count();
    assert!(answered >= 40);
    assert_eq!(replayed, 40);
}
