// Faults that a visitor's device may have.

/** Has a worker end as it would after running out of memory. */
export function kill(worker) {
  return worker.evaluate(() => {
    setTimeout(() => {
      throw new Error("out of memory");
    });
  });
}

/** Lets the site store so many bytes and no more. */
export async function limitStorage(page, origin, quotaSize) {
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize });
}
