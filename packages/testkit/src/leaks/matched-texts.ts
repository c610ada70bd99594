/**
 * Returns every text that a regular expression was tried on during `run`, and what `RegExp` keeps afterwards. V8 keeps the
 * whole text of the last match in `RegExp.input`, where a heap snapshot shows it. So a secret that must leave memory may not
 * be among these texts. Rejects as `run` does. Allows one call at a time, since it patches the whole process. Matches of
 * Node's own code show only in what `RegExp` keeps.
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
  // Replaces what `RegExp` kept before `run`.
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

/** The legacy static properties (TC39's proposal "Legacy RegExp features"). */
function remembered(): string[] {
  const { input, lastMatch, lastParen, leftContext, rightContext, $1, $2, $3, $4, $5, $6, $7, $8, $9 } = RegExp
  return [input, lastMatch, lastParen, leftContext, rightContext, $1, $2, $3, $4, $5, $6, $7, $8, $9]
}
