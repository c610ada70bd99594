import type { Hash, KeyObject } from 'node:crypto'
import { loadCrypto } from '@finchat/secrets-core/provider'
import type { SopsFile } from './metadata.ts'
import { isSealed, openSealed, plainLeaf } from './sealed-leaf.ts'
import { assertNoColon, type Branch, damaged, type Leaf, leaf, type Node } from './tree.ts'

/** SOPS begins the MAC of a file of `mac_only_encrypted` with these bytes. */
const macOnlyEncryptedStart = '8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69'

/**
 * Returns the entries of a file with their plain values. Throws `INTEGRITY` unless the MAC is that
 * of all values in their order.
 */
export function unseal({ entries, metadata }: SopsFile, key: KeyObject): Branch['entries'] {
  const unsealing = new Unsealing(key, metadata.isMacOnlyEncrypted)
  const plain = unsealing.entriesOf(entries, '')
  if (!isSealed(metadata.mac)) throw damaged('has no sealed MAC')
  const { bytes } = openSealed(metadata.mac, key, metadata.lastModified)
  if (bytes.toString('latin1') !== unsealing.mac()) throw damaged('has values that its MAC does not prove')
  return plain
}

class Unsealing {
  readonly #key: KeyObject
  readonly #isMacOnlyEncrypted: boolean
  readonly #hash: Hash

  constructor(key: KeyObject, isMacOnlyEncrypted: boolean) {
    this.#key = key
    this.#isMacOnlyEncrypted = isMacOnlyEncrypted
    this.#hash = loadCrypto().createHash('sha512')
    if (isMacOnlyEncrypted) this.#hash.update(Buffer.from(macOnlyEncryptedStart, 'hex'))
  }

  mac(): string {
    return this.#hash.digest('hex').toUpperCase()
  }

  /** A value is bound to its keys, each with a colon behind it. A list adds none. */
  entriesOf(entries: Branch['entries'], path: string): Branch['entries'] {
    return entries.map(([key, node]) => {
      if (path === '') assertNoColon(key) // below, only the secret itself could be another
      return [key, this.#nodeOf(node, `${path}${key}:`)]
    })
  }

  #nodeOf(node: Node, path: string): Node {
    if (node.kind === 'map') return { kind: 'map', entries: this.entriesOf(node.entries, path) }
    if (node.kind === 'list') return { kind: 'list', items: node.items.map((item) => this.#nodeOf(item, path)) }
    return typeof node.value === 'string' && isSealed(node.value) ? this.#sealed(node.value, path) : this.#open(node)
  }

  #sealed(text: string, path: string): Leaf {
    const { bytes, type } = openSealed(text, this.#key, path)
    this.#hash.update(bytes)
    try {
      return plainLeaf(bytes, type)
    } finally {
      bytes.fill(0)
    }
  }

  #open({ value, isText }: Leaf): Leaf {
    if (this.#isMacOnlyEncrypted) return leaf(value, isText, false)
    this.#hash.update(isText ? value : macTextOf(String(value)))
    return leaf(value, isText)
  }
}

/** What SOPS hashes of a boolean, null or a number. */
function macTextOf(json: string): string {
  if (json === 'true') return 'True'
  if (json === 'false') return 'False'
  return json === 'null' ? '' : json
}
