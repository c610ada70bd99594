import { describe, expect, it } from 'vitest'
import { type FindForms, KnownFormSearch, loadKnownForms } from './known-forms.ts'

/** Finds the word TOKEN, and keeps what it was given. */
function finder(): { readonly find: FindForms; readonly texts: string[] } {
  const texts: string[] = []
  const find: FindForms = async (text) => {
    texts.push(text)
    return text.split('\n').flatMap((line, index) => {
      const at = line.indexOf('TOKEN')
      return at === -1 ? [] : [{ rule: 'word', line: index + 1, column: at + 1 }]
    })
  }
  return { find, texts }
}

async function search(chunks: readonly string[]): Promise<{ readonly places: string[]; readonly texts: string[] }> {
  const { find, texts } = finder()
  const running = new KnownFormSearch(find, 'a.txt')
  const found = []
  for (const chunk of chunks) found.push(...(await running.push(Buffer.from(chunk))))
  found.push(...(await running.end()))
  return { places: found.map(({ line, column }) => `${line}:${column}`), texts }
}

const megabyte = 1024 * 1024
/** Lines of ten bytes, nearly a megabyte. */
const lines = 'a line 89\n'.repeat(megabyte / 10)

describe('a search for known forms', () => {
  it('looks at a small content once, whatever its chunks are', async () => {
    const { places, texts } = await search(['a TO', 'KEN\n', '\n', ' TOKEN'])
    expect({ places, texts }).toEqual({ places: ['1:3', '3:2'], texts: ['a TOKEN\n\n TOKEN'] })
  })

  it('looks at whole lines of a megabyte, and counts on', async () => {
    const { places, texts } = await search([lines, 'abcdefgTO', 'KEN\n', lines, 'TOKEN'])
    expect(places).toEqual([`${lines.length / 10 + 1}:8`, `${2 * (lines.length / 10) + 2}:1`].map((place) => place.replace(/\.\d+/, '')))
    expect(texts.join('')).toBe(`${lines}abcdefgTOKEN\n${lines}TOKEN`)
    expect(texts.slice(0, -1).every((text) => text.endsWith('\n') && text.length < 1.1 * megabyte)).toBe(true)
    expect(texts.length).toBe(3)
  })

  it('cuts a line that is longer than a megabyte', async () => {
    const { texts } = await search(['x'.repeat(megabyte), 'TOKEN'])
    expect(texts.map(({ length }) => length)).toEqual([megabyte, 5])
  })

  it('looks at nothing behind a NUL, which no text has', async () => {
    expect(await search(['TOKEN\n', '\0', 'TOKEN'])).toEqual({ places: [], texts: [] })
  })

  it('looks at nothing in an empty content', async () => {
    expect((await search([])).texts).toEqual([])
  })
})

it('the rules keep no record of what they have searched', async () => {
  const find = await loadKnownForms()
  const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`
  for (let index = 0; index < 3; index += 1)
    expect(await find(`x ${token} ${index}`, 'a.txt')).toEqual([{ rule: 'github/GITHUB_TOKEN', line: 1, column: 3 }])
  expect(performance.getEntries().filter(({ name }) => name.includes('lint'))).toEqual([])
})
