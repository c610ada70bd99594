const nothing = /^/

/** V8 remembers what a regular expression was last used on, as RegExp.input: afterwards that is no value. */
export function forgetInput(): void {
  nothing.test('')
}
