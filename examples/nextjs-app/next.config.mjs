export default {
  turbopack: { root: import.meta.dirname }, // not a folder above that has a lockfile
}
