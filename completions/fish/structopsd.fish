# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for structopsd(8)

complete -c structopsd -f
complete -c structopsd -l config -r -F -d 'Settings'
complete -c structopsd -l policy-path -x -a '(__fish_complete_directories)' -d 'Where policies are looked for'
complete -c structopsd -l object-path -x -a '(__fish_complete_directories)' -d 'Where objects are looked for'
complete -c structopsd -l runtime-dir -x -a '(__fish_complete_directories)' -d 'Socket, lock and state'
complete -c structopsd -l log-level -x -a 'emerg alert crit err warning notice info debug' -d 'What is logged'
complete -c structopsd -l log-target -x -a 'auto journal stderr' -d 'Where it is logged'
complete -c structopsd -l version -d 'The version'
complete -c structopsd -l help -d 'A summary'
