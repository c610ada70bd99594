/**
 * Returns every text that a regular expression was tried on while `run` ran, and what `RegExp` remembers afterwards. V8 keeps the whole text
 * that a regular expression last matched in `RegExp.input` until another one matches, for a heap snapshot to show: a secret that is to
 * be wiped from memory must never be among these texts. Rejects as `run` does. One call at a time, for it watches the whole process;
 * Node's own regular expressions show only in what is remembered.
 *
 * @example
 * import { leaksOf, matchedTexts } from '@finchat/secrets-testkit'
 *
 * const texts = await matchedTexts(() => 'the-canary-42'.split(/-/))
 * console.log(leaksOf(texts, 'the-canary-42').length > 0) // true
 */
export async function matchedTexts(run: () => unknown): Promise<readonly string[]> {
  const { prototype } = RegExp
  const { exec } = prototype
  const tried: string[] = []
  // What was remembered before is not of `run`.
  'none'.search(/none/)
  // `test`, and the strings' `match`, `matchAll`, `replace`, `search` and `split`, all call `exec` (ECMA-262, RegExpExec).
  prototype.exec = function (text: string): RegExpExecArray | null {
    tried.push(text)
    return exec.call(this, text)
  }
  try {
    await run()
  } finally {
    prototype.exec = exec
  }
  return [...tried, ...remembered()]
}

/** The static properties of the language's first days, one under each of its names (TC39's proposal "Legacy RegExp features"). */
function remembered(): string[] {
  const { input, lastMatch, lastParen, leftContext, rightContext, $1, $2, $3, $4, $5, $6, $7, $8, $9 } = RegExp
  return [input, lastMatch, lastParen, leftContext, rightContext, $1, $2, $3, $4, $5, $6, $7, $8, $9]
}
