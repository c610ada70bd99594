/** What a caller may want to do with a secret of one store. */
export type AccessFeature = 'read' | 'list' | 'versions' | 'write' | 'rotate' | 'tags' | 'delete' | 'purge' | 'watch'

/** Whether the store allows our credential a feature at a path. The store answered without doing it. */
export interface AccessRight {
  readonly feature: AccessFeature
  readonly path: string
  readonly isAllowed: boolean
  /** The credential may do everything at the store, as a root token of Vault. */
  readonly isUnlimited?: true | undefined
  /** What the store calls it, such as `"read" on "secret/data/db"`. */
  readonly right: string
}
