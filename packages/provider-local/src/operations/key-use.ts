import type { CallContext } from '@finchat/secrets-core'
import type { ReadView } from '../store/read-view.ts'
import type { Store } from '../store/store.ts'

/** How the keys of a store are used, before `reencrypt` changes anything. */
export interface KeyUse {
  /** How many versions the first of `keys` sealed. */
  readonly first: number
  /** How many versions other keys sealed. */
  readonly others: number
  /**
   * What the other keys of `keys` are. `former`: one of them opens the store, and is to be retired.
   * `retired`: that is done. `unused`: they have sealed nothing here, as a key that is still to come.
   */
  readonly otherKeys: 'former' | 'retired' | 'unused'
  /** The newest version is sealed with another key than the first. */
  readonly isNewestOfOthers: boolean
}

/** Bound of one transaction: writers and the event loop run in between. */
const secretsAtOnce = 16

export async function keyUseOf(store: Store, context: CallContext): Promise<KeyUse> {
  const { paths, keys } = await store.read(context, (view) => ({ paths: view.paths(), keys: view.keys() }))
  const count = new Count(keys?.first)
  for (let start = 0; start < paths.length; start += secretsAtOnce)
    await store.read(context, (view) => {
      for (const path of paths.slice(start, start + secretsAtOnce)) count.add(path, view)
    })
  return { ...count.use(), otherKeys: othersOf(keys) }
}

function othersOf(keys: ReturnType<ReadView['keys']>): KeyUse['otherKeys'] {
  const isOne = (ids: readonly string[] = []): boolean => ids.some((id) => keys?.others.includes(id))
  if (isOne(keys?.opening)) return 'former'
  return isOne(keys?.retired) ? 'retired' : 'unused'
}

class Count {
  readonly #firstKey: string | undefined
  #first = 0
  #others = 0
  #newest = { at: -Infinity, isOfOthers: false }

  constructor(firstKey: string | undefined) {
    this.#firstKey = firstKey
  }

  add(path: string, view: ReadView): void {
    const record = view.find(path)
    if (record === undefined) return
    for (const number of view.versions.ascending(record)) {
      const version = view.versions.version(record, number)
      if (version !== undefined) this.#add(version.keyId, version.createdAt)
    }
  }

  #add(keyId: string, at: number): void {
    const isOfOthers = keyId !== this.#firstKey
    if (isOfOthers) this.#others++
    else this.#first++
    if (at >= this.#newest.at) this.#newest = { at, isOfOthers }
  }

  use(): Omit<KeyUse, 'otherKeys'> {
    return { first: this.#first, others: this.#others, isNewestOfOthers: this.#newest.isOfOthers }
  }
}
