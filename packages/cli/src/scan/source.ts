/** Something to search: a file, a staged file, or an object of the history. */
export interface Content {
  /** A path as people see it. */
  readonly path: string
  /** The object of git that it is, in the history. */
  readonly object?: string | undefined
  readonly kind: 'file' | 'staged' | 'blob' | 'commit' | 'tag'
  /** To be read to its end, or left. */
  readonly chunks: AsyncIterable<Buffer>
}

/** Contents, one after the other: each is read before the next is asked for. */
export type Contents = AsyncIterable<Content>

/** Where contents come from, and which are left out. */
export interface SourceOptions {
  /** What paths are relative to. */
  readonly cwd: string
  readonly isExcluded: (path: string) => boolean
  /** Called with what cannot be read. */
  readonly unreadable: (path: string) => void
}
