vim.filetype.add({ extension = { mesh = 'mesh' } })
