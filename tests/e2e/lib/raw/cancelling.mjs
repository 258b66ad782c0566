/**
 * 2025 §Cancellation: a notification; merely to hang up means nothing. `how` goes with the request,
 * `cancel` takes it back.
 */
export function cancelling(client) {
  const stop = new AbortController();
  let requestId;
  const cancel = async () => {
    await client.notify('notifications/cancelled', { requestId, reason: 'no longer wanted' });
    stop.abort();
  };
  return { how: { signal: stop.signal, onId: (id) => { requestId = id; } }, cancel };
}
