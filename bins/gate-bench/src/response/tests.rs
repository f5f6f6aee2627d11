//! Every response here is read whole and split at every byte, and must come out the same.

use super::*;

/// Feeds `wire` in pieces of `piece` bytes; status, body and keep-alive of each response.
fn read(wire: &[u8], piece: usize) -> Result<Vec<(u16, String, bool)>, Malformed> {
    let mut reader = ResponseReader::default();
    let mut seen = Vec::new();
    for mut bytes in wire.chunks(piece) {
        while !bytes.is_empty() {
            reader.read_from(&mut bytes).unwrap();
        }
        while let Some(response) = reader.next(false)? {
            seen.push(owned(&reader, &response));
            reader.consume(&response);
        }
    }
    if reader.filled > 0
        && let Some(response) = reader.next(true)?
    {
        seen.push(owned(&reader, &response));
    }
    Ok(seen)
}

fn owned(reader: &ResponseReader, response: &Response) -> (u16, String, bool) {
    let body = String::from_utf8(reader.body(response).to_vec()).unwrap();
    (response.status, body, response.keep_alive)
}

#[track_caller]
fn check(wire: &str, expected: &[(u16, &str, bool)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(status, body, keep)| (*status, (*body).to_owned(), *keep))
        .collect();
    for piece in 1..=wire.len() {
        assert_eq!(
            read(wire.as_bytes(), piece).as_ref(),
            Ok(&expected),
            "in pieces of {piece}"
        );
    }
}

#[track_caller]
fn check_refused(wire: &str, why: &str) {
    assert_eq!(
        read(wire.as_bytes(), wire.len()),
        Err(Malformed(Box::leak(why.into())))
    );
}

#[test]
fn content_length() {
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
        &[(200, "hello", true)],
    );
}

#[test]
fn header_names_in_any_case_and_values_with_spaces() {
    check(
        "HTTP/1.1 503 Service Unavailable\r\nCONTENT-LENGTH:  2 \r\nRetry-After: 1\r\n\r\nno",
        &[(503, "no", true)],
    );
}

#[test]
fn two_responses_in_a_row() {
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n",
        &[(200, "a", true), (409, "", true)],
    );
}

#[test]
fn chunked_with_extension_and_trailer() {
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;x=1\r\nhello\r\nA\r\n, world ok\r\n0\r\nT: v\r\n\r\n",
        &[(200, "hello, world ok", true)],
    );
}

#[test]
fn a_chunked_response_and_then_a_sized_one() {
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nb",
        &[(200, "a", true), (200, "b", true)],
    );
}

#[test]
fn no_content_has_no_body() {
    check("HTTP/1.1 204 No Content\r\n\r\n", &[(204, "", true)]);
}

#[test]
fn interim_responses_are_skipped() {
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        &[(200, "ok", true)],
    );
}

#[test]
fn connection_close_is_obeyed() {
    check(
        "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nok",
        &[(200, "ok", false)],
    );
}

#[test]
fn http_1_0_closes_unless_it_says_otherwise() {
    check(
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        &[(200, "ok", false)],
    );
    check(
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
        &[(200, "ok", true)],
    );
}

#[test]
fn without_a_length_the_body_ends_with_the_connection() {
    check(
        "HTTP/1.1 200 OK\r\n\r\nall of it",
        &[(200, "all of it", false)],
    );
}

#[test]
fn a_body_longer_than_the_buffer() {
    let body = "x".repeat(3 * BUFFER_BYTES);
    let wire = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for piece in [1, 1000, wire.len()] {
        assert_eq!(
            read(wire.as_bytes(), piece),
            Ok(vec![(200, body.clone(), true)])
        );
    }
}

#[test]
fn what_is_not_a_response_is_refused() {
    check_refused("SSH-2.0-OpenSSH_9.2\r\n\r\n", "not an HTTP/1 status line");
    check_refused("HTTP/1.1 2x0 OK\r\n\r\n", "status code");
    check_refused("HTTP/1.1 999 OK\r\n\r\n", "status code");
    check_refused(
        "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        "header line without a colon",
    );
    check_refused(
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "content-length",
    );
    check_refused(
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nx",
        "content-length out of range",
    );
    check_refused(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "chunk size",
    );
    check_refused(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "chunk without its end",
    );
}

#[test]
fn an_endless_header_block_is_refused() {
    let wire = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(2 * HEAD_BYTES_MAX));
    check_refused(&wire, "header block too long");
}
