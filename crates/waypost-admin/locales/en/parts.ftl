crumbs = Where you are
pager = Pages
live-open = Live
live-lost = Connection lost; trying again

secret-kept = One is set. Leave this empty to keep it.
secret-none = None is set.
secret-gone = Remove it

hold-reason = Reason
hold-reason-hint = In your words; colleagues and the log show it.
hold-span = How long
hold-span-released = Until it is released
hold-span-1h = 1 hour
hold-span-4h = 4 hours
hold-span-12h = 12 hours
hold-span-1d = 1 day
hold-span-3d = 3 days
hold-span-7d = 7 days
hold-span-at = Until a moment
hold-until = Ends at
hold-since = since
hold-ends = ends
hold-kind-domain = Domain
hold-kind-target = Target
hold-kind-user = User
