/** How a value may be written in a file. */
export type Form = 'plain' | 'base64' | 'hex' | 'url' | 'json' | 'html' | 'escaped' | 'bytes' | 'recoded'

export interface WrittenForm {
  readonly form: Form
  readonly bytes: Buffer
}
