// Waiting for what must come, with a deadline that says what did not.

/** The first truthy value of `look`, asked again and again; an error after `limit` milliseconds. */
export async function until(what, look, limit = 15000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${limit} ms in vain: ${what}`);
    }
    await new Promise((resolve) => { setTimeout(resolve, 40); });
  }
}

/** What `promise` gives, or an error after `limit` milliseconds. */
export async function within(limit, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limit} ms in vain: ${what}`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
