/**
 * Returns whether this is text of visible ASCII characters, at least one: what a header carries
 * unchanged, without spaces. The text may be a secret. No regular expression sees it, since V8
 * remembers the last input of one.
 *
 * @example
 * import { isVisibleAscii } from '@finchat/secrets-core/provider'
 *
 * console.log(isVisibleAscii('s.9f2c'), isVisibleAscii('two words'), isVisibleAscii('')) // true false false
 */
export function isVisibleAscii(text: unknown): text is string {
  if (typeof text !== 'string' || text === '') return false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return true
}
