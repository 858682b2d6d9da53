queue-title = Queue
queue-lead = Mail that this server has accepted and still has to hand on.
queue-shape = What waits, by next hop and age
queue-waiting = { $count ->
    [one] One recipient waits.
   *[other] { $count } recipients wait.
}
queue-none = The queue is empty.
queue-none-found = No message matches.
queue-total = Recipients
queue-oldest-age = Oldest
queue-hop-lmtp = Mailboxes here (LMTP)
queue-hop-maildir = Mailboxes here
queue-hop-none = Nowhere now
queue-hop-smart-host = Smart host
queue-hop-to-mx = MX of { $domain }

queue-sender = Sender
queue-recipient = Recipient
queue-recipients = Recipients
queue-more-recipients = { $count ->
    [one] and one more
   *[other] and { $count } more
}
queue-id = Queue id
queue-next-hop = Next hop
queue-any = any
queue-state = State
queue-state-any = any
queue-state-active = On its way
queue-state-deferred = Waiting
queue-state-held = Held
queue-recipient-state-delivered = Delivered
queue-recipient-state-failed = Failed
queue-recipient-state-queued = Waiting
queue-recipient-state-removed = Removed
queue-age-min = Older than
queue-age-max = Younger than
queue-find = Search
queue-find-all = Show all
queue-arrived = Accepted
queue-last-reply = Last reply
queue-size = Size
queue-select = Choose
queue-select-page = Choose all on this page
queue-selected = chosen
queue-all = { $count ->
    [one] the one that matches
   *[other] all { $count } that match
}
queue-all-more = all that match, more than { $count }
queue-count = { $count ->
    [one] One message
   *[other] { $count } messages
}
queue-count-more = More than { $count } messages
queue-count-of = of { $count } in the queue
queue-newest = Newest first
queue-oldest = Oldest first

queue-verb-hold = Hold
queue-verb-release = Release
queue-verb-retry = Try now
queue-verb-remove = Remove
queue-ask-hold = { $count ->
    [one] Hold one message?
   *[other] Hold { $count } messages?
}
queue-ask-release = { $count ->
    [one] Release one message?
   *[other] Release { $count } messages?
}
queue-ask-retry = { $count ->
    [one] Try one message now?
   *[other] Try { $count } messages now?
}
queue-ask-remove = { $count ->
    [one] Remove one message?
   *[other] Remove { $count } messages?
}
queue-ask-more-hold = Hold more than { $count } messages?
queue-ask-more-release = Release more than { $count } messages?
queue-ask-more-retry = Try more than { $count } messages now?
queue-ask-more-remove = Remove more than { $count } messages?
queue-ask-one-hold = Hold the message { $id }?
queue-ask-one-release = Release the message { $id }?
queue-ask-one-retry = Try the message { $id } now?
queue-ask-one-remove = Remove the message { $id }?
queue-ask-recipients = { $count ->
    [one] Remove one recipient of this message?
   *[other] Remove { $count } recipients of this message?
}
queue-ask-says-hold = It stays in the queue and is not tried until the hold ends; the time does not count towards its lifetime.
queue-ask-says-release = It is tried at once.
queue-ask-says-retry = It is tried at once, whatever its next time was. What is held stays where it is.
queue-ask-says-remove = Nobody gets it, its sender is not told, and it cannot be brought back.
job-queue-hold = Hold messages
job-queue-release = Release messages
job-queue-retry = Try messages now
job-queue-remove = Remove messages
done-queue-held = The message is held now.
done-queue-released = The message is released.
done-queue-retried = The message is tried now.
done-queue-removed = The message was removed.
done-queue-recipients-removed = These recipients were removed.
done-queue-hold-set = It is held now.
done-queue-hold-ended = The hold has ended.

queue-holds = What is held
queue-holds-what = What
queue-holds-since = Since
queue-holds-until = Until
queue-holds-end = Release
queue-hold-something = Hold a domain or user
queue-hold-lead = Mail is still accepted and waits; the time does not count towards its lifetime.
queue-hold-kind = What
queue-hold-name = Name
queue-hold-name-hint = example.com, or jdoe@example.com by login.

queue-message = Message { $id }
queue-gone = This message is not in the queue any more.
queue-gone-says = What happened to it is below.
queue-is-held = This message is held.
queue-envelope = Envelope
queue-client = Came from
queue-header = Header
queue-header-none = It has no header.
queue-header-cut = The header goes on; only its beginning is shown.
queue-original = written as
queue-attempts = Attempts
queue-next = Next attempt
queue-expires = given up
queue-remove-selected = Remove these recipients
queue-history = Everything that happened
queue-history-none = Nothing is known of it: history may be off, or is not written yet.
queue-event-client = Client
queue-event-message-id = Message-ID
queue-event-rejected = Refused
queue-event-member-refused = Member of a group refused
queue-event-active = Accepted into the queue
queue-event-again = Tried again
queue-event-other = Something else
queue-event-passing = Passed on while its sender waits
queue-event-delivery = Delivery attempt
queue-event-expired = Given up
queue-event-report = Report sent
queue-event-ordered = Changed by an administrator
queue-event-lives-twice = Address on two servers
queue-event-trouble = Trouble
queue-event-removed = Out of the queue
queue-field-client = client
queue-field-sasl_username = logged in as
queue-field-message_id = Message-ID
queue-field-from = sender
queue-field-nrcpt = recipients
queue-field-to = recipient
queue-field-orig_to = written as
queue-field-relay = next hop
queue-field-status = result
queue-field-dsn = status
queue-field-said = said
queue-field-reply = reply
queue-field-tls = connection
queue-field-delay = delay
queue-field-verb = verb
queue-field-by = by
queue-field-reason = reason
queue-field-report = report
queue-field-also_on = also on
queue-field-trouble = trouble
queue-field-why-not = why not
queue-status-sent = delivered
queue-status-deferred = not yet
queue-status-bounced = refused
queue-status-expired = given up
queue-status-refused = refused to the client
