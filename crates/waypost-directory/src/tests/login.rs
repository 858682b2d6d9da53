//! Who may log in.

use super::*;

fn with_passwords() -> Fixture {
    let fixture = Fixture::split();
    let mut alice = fixture.user("alice");
    let mut jdoe = fixture.user("jdoe");
    let mut carol = user("carol", &["carol@*", "c@*"]);
    let hash = PasswordHash::make("correct horse").unwrap();
    for record in [&mut alice, &mut jdoe, &mut carol] {
        record.password = Some(hash.clone());
    }
    carol.suspended = true;
    let users = [alice, jdoe, carol].map(Object::User);
    fixture.put(users).unwrap();
    fixture
        .put([Object::User(user("dave", &["dave@*"]))])
        .unwrap();
    fixture
}

#[test]
fn local_active_users_log_in_by_login_or_any_address() {
    let fixture = with_passwords();
    for login in [
        "alice@example.com",
        "Alice@Example.org",
        "alice@example.com",
    ] {
        let found = fixture
            .directory
            .check_password(login, "correct horse")
            .unwrap();
        let snapshot = fixture.directory.snapshot();
        assert_eq!(snapshot.user(found.user).unwrap().login, "alice");
    }
}

#[test]
fn everybody_else_is_refused_in_the_same_words() {
    let fixture = with_passwords();
    for (login, password) in [
        ("alice@example.com", "wrong"),
        ("alice@example.com", ""),
        ("alice", "correct horse"),
        ("nobody@example.com", "correct horse"),
        ("alice@elsewhere.net", "correct horse"),
        ("jdoe@example.com", "correct horse"),
        ("carol@example.com", "correct horse"),
        ("c@example.com", "correct horse"),
        ("dave@example.com", ""),
        ("support@example.com", "correct horse"),
    ] {
        let error = fixture
            .directory
            .check_password(login, password)
            .unwrap_err();
        assert_eq!(error.to_string(), "wrong login or password", "{login}");
    }
}
