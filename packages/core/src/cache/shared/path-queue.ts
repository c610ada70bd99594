/** Runs the tasks of each path one after the other, whether they fail or not. */
export class PathQueue {
  readonly #latest = new Map<string, Promise<void>>()

  /** The last task of the path, unless it has ended. */
  latest(path: string): Promise<void> | undefined {
    return this.#latest.get(path)
  }

  run(path: string, task: () => Promise<void>): Promise<void> {
    const running = this.#latest.get(path)?.then(task, task) ?? task()
    const end = (): void => {
      if (this.#latest.get(path) === running) this.#latest.delete(path)
    }
    this.#latest.set(path, running)
    running.then(end, end)
    return running
  }
}
