import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formsOf } from './forms.ts'
import type { Form } from './written-form.ts'

const value = 'can\u001b\u0007ary-é€/47\u007f<&>"11\'`$\\ +%'

/** The form that is all of this text. */
function formOf(written: string | Uint8Array, of: string | Uint8Array = value): Form | undefined {
  return formsOf(Buffer.from(of as string)).find(({ bytes }) => bytes.equals(Buffer.from(written as string)))?.form
}

describe('a value is known as programs write it', () => {
  it.each<[Form, string, string]>([
    ['json', 'JavaScript', String.raw`can\u001b\u0007ary-é€/47${'\u007f'}<&>\"11'${'`'}$\\ +%`],
    ['json', 'Python', String.raw`can\u001b\u0007ary-\u00e9\u20ac/47\u007f<&>\"11'${'`'}$\\ +%`],
    ['json', 'PHP', String.raw`can\u001b\u0007ary-\u00e9\u20ac\/47\u007f<&>\"11'${'`'}$\\ +%`],
    ['json', 'PHP with JSON_UNESCAPED_UNICODE', String.raw`can\u001b\u0007ary-é€\/47${'\u007f'}<&>\"11'${'`'}$\\ +%`],
    ['json', 'Go', String.raw`can\u001b\u0007ary-é€/47${'\u007f'}\u003c\u0026\u003e\"11'${'`'}$\\ +%`],
    ['json', '.NET', String.raw`can\u001B\u0007ary-\u00E9\u20AC/47\u007F\u003C\u0026\u003E\u002211\u0027\u0060$\\ \u002B%`],
    ['escaped', 'repr of Python', String.raw`can\x1b\x07ary-é€/47\x7f<&>"11\'${'`'}$\\ +%`],
    ['escaped', 'repr of bytes in Python', String.raw`can\x1b\x07ary-\xc3\xa9\xe2\x82\xac/47\x7f<&>"11\'${'`'}$\\ +%`],
    ['escaped', 'export -p of bash', String.raw`can\E\aary-é€/47\177<&>"11\'${'`'}$\\ +%`],
    ['html', 'html.escape of Python', 'can\u001b\u0007ary-é€/47\u007f&lt;&amp;&gt;&quot;11&#x27;`$\\ +%'],
    ['html', '@html of jq', 'can\u001b\u0007ary-é€/47\u007f&lt;&amp;&gt;&quot;11&apos;`$\\ +%'],
    ['html', 'html.EscapeString of Go', 'can\u001b\u0007ary-é€/47\u007f&lt;&amp;&gt;&#34;11&#39;`$\\ +%'],
    ['html', 'a text in XML', 'can\u001b\u0007ary-é€/47\u007f&lt;&amp;&gt;"11\'`$\\ +%'],
  ])('as %s by %s', (form, _, written) => {
    expect(formOf(written)).toBe(form)
  })

  it.each([
    ['set -x of bash', String.raw`can'\''ary "47" $x`],
    ['export -p of dash', `can'"'"'ary "47" $x`],
    ['a text of bash in double quotes', String.raw`can'ary \"47\" \$x`],
    ['SQL', `can''ary "47" $x`],
    ['CSV', `can'ary ""47"" $x`],
  ])('in quotes by %s', (_, written) => {
    expect(formOf(written, `can'ary "47" $x`)).toBe('escaped')
  })

  it.each<[string, (text: string) => string | Uint8Array]>([
    ['read as Latin-1', (text) => Buffer.from(text).toString('latin1')],
    ['read as Windows-1252', (text) => new TextDecoder('latin1').decode(Buffer.from(text))],
    ['read as ASCII', (text) => Buffer.from(text).toString('ascii')],
    ['written as Latin-1', (text) => Buffer.from(text, 'latin1')],
    ['written as UTF-16', (text) => Buffer.from(text, 'utf16le')],
  ])('in another charset: %s', (_, recode) => {
    expect(formOf(recode(value))).toBe('recoded')
  })

  it('in JSON that stands in JSON', () => {
    expect(formOf(JSON.stringify(JSON.stringify(value)).slice(3, -3))).toBe('json')
  })

  it('as console.log and escape show it, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 8, maxLength: 15 }), (text) => {
        fc.pre(text.isWellFormed())
        expect(formOf(inspect({ text }).slice("{ text: '".length, -"' }".length), text)).toBeDefined()
        expect(formOf(escape(text), text)).toBeDefined()
      }),
    )
  })

  it('as a Buffer is shown, and as it is in JSON', () => {
    const bytes = Buffer.from(value.repeat(3))
    const shown = (given: Buffer): string => /<Buffer ((?:[0-9a-f]{2} )*[0-9a-f]{2})/.exec(inspect(given))?.[1] ?? ''
    expect(formOf(shown(bytes), bytes)).toBe('hex')
    expect(formOf(shown(Buffer.from(value)))).toBe('hex')
    expect(formOf(/\[(.*)\]/.exec(JSON.stringify(bytes))?.[1] ?? '', bytes)).toBe('bytes')
  })

  it.each([64, 76])('in base64 in lines of %i columns', (columns) => {
    const bytes = Buffer.from(value.repeat(9)).subarray(0, 9 * 27)
    for (const end of ['\n', '\r\n']) {
      const lines = bytes.toString('base64').match(new RegExp(`.{1,${columns}}`, 'g')) ?? []
      expect(formOf(lines.join(end), bytes)).toBe('base64')
    }
  })
})
