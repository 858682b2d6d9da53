"""What schemathesis cannot know: how text that is no JSON is sent."""

import schemathesis


@schemathesis.serializer("application/toml", "text/csv")
def text(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
