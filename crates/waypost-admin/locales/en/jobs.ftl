job-site-apply = Apply a site file
job-begun = It begins.
job-cancel = Cancel
job-done = Done.
job-failed = Not done.
job-line = Line { $line }:
