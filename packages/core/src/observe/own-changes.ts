type Listener = (storeId: unknown, path: string) => void

const listeners = new Set<Listener>()

/** Tells of a write of this process, through any manager. It says nothing of its outcome. */
export function tellChange(storeId: unknown, path: string): void {
  for (const listener of listeners) listener(storeId, path)
}

/** The listener must not throw. Returns the function that ends it. */
export function hearChanges(listener: Listener): () => void {
  const heard: Listener = (...change) => listener(...change)
  listeners.add(heard)
  return () => void listeners.delete(heard)
}
