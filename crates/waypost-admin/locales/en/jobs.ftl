job-site-apply = Apply a site file
job-begun = It begins.
job-cancel = Cancel
job-done = Done.
job-failed = Not done.
job-of = Begun by { $login }.
job-go-on = Back to: { $page }
job-line = Line { $line }:
job-messages-done = Messages done
job-messages-undone = Not done
job-undone = Messages that stay as they were
job-undone-reason = Why
job-undone-active = It was on its way at that moment.
job-undone-gone = It is not in the queue any more.
job-undone-held = It is held; release it first.
job-undone-not-held = It was not held.
job-sum-nothing = Nothing to change.
job-sum-unasked = { $count ->
    [one] No peer was asked about one new address.
   *[other] No peer was asked about { $count } new addresses.
}
job-sum-of = { $what }: { $count }
jobs-title = Jobs
jobs-lead = What takes long, and what became of it in the last hour: yours, and to a superadministrator everybody’s.
jobs-none = Nothing is under way.
jobs-what = What
jobs-owner = Begun by
jobs-state = State
job-state-running = Under way
job-state-done = Done
job-state-failed = Not done
