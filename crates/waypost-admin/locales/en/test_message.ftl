test-message-title = Test message
test-message-lead = This server sends a short message of its own; you see on which way it goes and whether it arrives.
test-message-to = To
test-message-hint = An address of a domain that is served here. Nobody gets anything if a client would be refused.
test-message-send = Send test message
test-message-refused = Nothing was sent.
done-test-message = The test message is on its way; load this page again to see what became of it.
nav-test-message = Test message
