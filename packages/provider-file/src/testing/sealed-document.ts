import { readFile } from 'node:fs/promises'
import { deny, replaceFile } from './temporary-files.ts'
import type { ProviderHarness } from '@finchat/secrets-testkit'

/** A document for the harness of a suite, sealed anew for each seeded secret. */
export class SealedDocument {
  readonly file: string
  readonly #seal: (secrets: ReadonlyMap<string, string>) => Promise<string | Uint8Array>
  readonly #held = new Map<string, string>()
  #writing: Promise<void> = Promise.resolve()

  constructor(file: string, seal: (secrets: ReadonlyMap<string, string>) => Promise<string | Uint8Array>) {
    this.file = file
    this.#seal = seal
  }

  /** One write after the other, or an older content could come last. */
  write(path?: string, value?: string | Uint8Array): Promise<void> {
    if (path !== undefined) this.#held.set(path, String(value))
    this.#writing = this.#writing.then(async () => replaceFile(this.file, await this.#seal(this.#held)))
    return this.#writing
  }

  /** Refuses the file, or cuts it. */
  readonly breakStore: ProviderHarness['breakStore'] = {
    denied: () => deny(this.file),
    garbage: async () => {
      const content = await readFile(this.file)
      await replaceFile(this.file, content.subarray(0, content.length / 2))
      return () => replaceFile(this.file, content)
    },
  }
}
