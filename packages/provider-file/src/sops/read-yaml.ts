import type { Document, Pair } from 'yaml'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { assertDepth, branch, damaged, leaf, type Node, numberText } from './tree.ts'

/**
 * Reads one YAML document as SOPS writes it. Aliases are refused, since a few lines of them unfold
 * to gigabytes. Rejects with `INTEGRITY`, without quoting the text, if it is no such document, or
 * if reading it would hold the event loop for long.
 */
export async function readYaml(text: string): Promise<Node> {
  const yaml = await loadYaml()
  assertFewTokens(text, yaml)
  const [document, ...others] = documentsIn(text, yaml)
  if (document?.contents == null || others.length > 0) throw damaged('is not one YAML document')
  return new YamlTree(yaml).nodeOf(document.contents, 0)
}

type Yaml = typeof import('yaml')

/** Each costs about 3 µs. What sops seals has about 60,000 for each MiB. */
const mostTokens = 100_000

function assertFewTokens(text: string, { Lexer }: Yaml): void {
  let count = 0
  try {
    for (const _ of new Lexer().lex(text)) if ((count += 1) > mostTokens) break
  } catch {
    throw damaged('is no YAML') // before 2.9 many signs in a row exceed the stack
  }
  if (count > mostTokens) throw damaged('has more than 100,000 YAML tokens', 'split it, or write it as JSON')
}

/** Loads the package at the first use: it costs a process 33 ms. */
function loadYaml(): Promise<Yaml> {
  return loadOnUse({ what: 'the package for YAML', name: 'yaml' }, () => import('yaml'), 'parseAllDocuments')
}

function documentsIn(text: string, { parseAllDocuments }: Yaml): readonly Document.Parsed[] {
  try {
    // Its check of unique keys compares each with each: `branch` checks them. Pretty errors quote the
    // lines around, and a file of 200 KB with an error in each sign would take 43 s.
    const documents: readonly Document.Parsed[] = parseAllDocuments(text, {
      schema: 'core',
      intAsBigInt: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    })
    if (documents.every(({ errors, warnings }) => [...errors, ...warnings].length === 0)) return documents
  } catch {
    // Such as RangeError, for nesting that exceeds the stack.
  }
  throw damaged('is no YAML')
}

class YamlTree {
  readonly #yaml: Yaml

  constructor(yaml: Yaml) {
    this.#yaml = yaml
  }

  nodeOf(node: unknown, depth: number): Node {
    assertDepth(depth)
    if (this.#yaml.isMap(node)) return branch(node.items.map((pair) => this.#entryOf(pair, depth + 1)))
    if (this.#yaml.isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.nodeOf(item, depth + 1)) }
    if (this.#yaml.isScalar(node)) return leafOf(node.value)
    if (node === null) return leafOf(null)
    throw damaged('has a YAML alias')
  }

  #entryOf({ key, value }: Pair, depth: number): readonly [string, Node] {
    if (this.#yaml.isScalar(key) && typeof key.value === 'string') return [key.value, this.nodeOf(value, depth)]
    throw damaged('has a key that is no text')
  }
}

function leafOf(value: unknown): Node {
  if (typeof value === 'string') return leaf(value, true)
  if (typeof value === 'bigint' || typeof value === 'number') return leaf(numberText(String(value)), false)
  if (value === null || typeof value === 'boolean') return leaf(String(value), false)
  throw damaged('has a value that is neither text nor number')
}
