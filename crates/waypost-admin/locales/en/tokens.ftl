tokens-title = Tokens
tokens-lead = What scripts and the command line log in with over the API, instead of a password.
tokens-none = No token yet.
tokens-new = New token
tokens-new-lead = It may never do more than its administrator may at that moment.
tokens-name = For what
tokens-name-hint = In your words, such as: nightly import.
tokens-id = Public name
tokens-admin = Administrator
tokens-admin-hint = The login of the one whose rights it has.
tokens-expires = Good until
tokens-expires-in = Good for
tokens-days = { $days ->
    [one] One day
   *[other] { $days } days
}
tokens-used = Last used
tokens-never = Never
tokens-own-domains = All domains of the administrator
tokens-create = Make the token
tokens-made = The token was made
tokens-once = The token
tokens-once-hint = It is shown this once. Keep it as you would keep a password.
tokens-noted = I have noted it
tokens-revoke = Revoke
tokens-revoke-ask = Revoke “{ $name }”? Whatever uses it can no longer log in.
done-token-revoked = The token was revoked.
