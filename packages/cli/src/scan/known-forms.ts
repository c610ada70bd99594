import { extname } from 'node:path'
import { loadOnUse } from '@finchat/secrets-core/provider'
import { forgetInput } from '../forms/forget-input.ts'

/** A text of a well-known form, such as a token of GitHub. */
export interface KnownForm {
  /** Such as `github/GITHUB_TOKEN`. */
  readonly rule: string
  readonly line: number
  readonly column: number
}

/** Finds well-known forms in a text. */
export type FindForms = (text: string, path: string) => Promise<KnownForm[]>

const ruleBegin = '@secretlint/secretlint-rule-'

/** Loads the rules. Messages are not used: they would quote the text. */
export async function loadKnownForms(): Promise<FindForms> {
  const core = { what: 'the search for known forms', name: '@secretlint/core' }
  const { lintSource } = await loadOnUse(core, async () => import('@secretlint/core'), 'lintSource')
  const profiler = { what: 'the search for known forms', name: '@secretlint/profiler' }
  const { secretLintProfiler } = await loadOnUse(profiler, async () => import('@secretlint/profiler'), 'secretLintProfiler')
  secretLintProfiler.setEnabled(false) // it keeps 60 records for each content, which a history of thousands makes gigabytes
  const preset = { what: 'the known forms', name: '@secretlint/secretlint-rule-preset-recommend' }
  const { creator } = await loadOnUse(preset, async () => import('@secretlint/secretlint-rule-preset-recommend'), 'creator')
  const config = { rules: [{ id: preset.name, rule: creator, options: {} }] }
  return async (content, path) => {
    const source = { filePath: path, content, ext: extname(path), contentType: 'text' } as const
    const options = { config, maskSecrets: true, noPhysicFilePath: true }
    const { messages } = await lintSource({ source, options }).finally(forgetInput)
    return messages.map(({ ruleId, messageId, loc }) => ({
      rule: `${ruleId.replace(ruleBegin, '')}/${messageId}`,
      line: loc.start.line,
      column: loc.start.column + 1,
    }))
  }
}

/** The most text that is looked at at once. */
const mostBytes = 1024 * 1024
const lineFeed = 10

/** Looks for known forms in one content, a megabyte of whole lines at a time. A content with NUL is no text. */
export class KnownFormSearch {
  readonly #find: FindForms
  readonly #path: string
  #chunks: Buffer[] = []
  #length = 0
  #line = 0
  #isText = true

  constructor(find: FindForms, path: string) {
    this.#find = find
    this.#path = path
  }

  async push(chunk: Buffer): Promise<KnownForm[]> {
    this.#isText &&= !chunk.includes(0)
    if (!this.#isText) return this.#forget()
    this.#chunks.push(chunk)
    this.#length += chunk.length
    return this.#length < mostBytes ? [] : this.#search(false)
  }

  async end(): Promise<KnownForm[]> {
    return this.#search(true)
  }

  async #search(isLast: boolean): Promise<KnownForm[]> {
    const bytes = Buffer.concat(this.#chunks)
    const cut = isLast ? bytes.length : bytes.lastIndexOf(lineFeed) + 1 || bytes.length
    const text = bytes.subarray(0, cut).toString('utf8')
    const found = text === '' ? [] : await this.#find(text, this.#path)
    const placed = found.map((form) => ({ ...form, line: form.line + this.#line }))
    this.#line += text.split('\n').length - 1
    this.#chunks = [Buffer.from(bytes.subarray(cut))]
    this.#length = bytes.length - cut
    return placed
  }

  #forget(): KnownForm[] {
    this.#chunks = []
    this.#length = 0
    return []
  }
}
