export default {
  output: 'standalone', // the server with only those files of node_modules that it uses
  turbopack: { root: import.meta.dirname },
}
