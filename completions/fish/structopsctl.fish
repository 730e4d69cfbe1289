# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for structopsctl(1)

function __structopsctl_socket
    set -l words (commandline -opc)
    for i in (seq (count $words))
        switch $words[$i]
            case --socket
                set -q words[(math $i + 1)]; and echo $words[(math $i + 1)]
            case '--socket=*'
                string replace -- --socket= '' $words[$i]
        end
    end
end

# The verb and the names, without options and without the word under the cursor.
function __structopsctl_words
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
            continue
        end
        switch $word
            case --socket --kernel --policy --config --policy-path --object-path --interval --since --state --textfile --for
                set is_value yes
            case '-*'
            case '*'
                echo $word
        end
    end
end

function __structopsctl_needs_verb
    test -z "$(__structopsctl_words)"
end

function __structopsctl_has_verb
    set -l words (__structopsctl_words)
    test "$words[1]" = $argv[1]
    and begin
        not contains $argv[1] switch cat inspect log dump
        or test (count $words) -lt 2
    end
end

# The policies in one of these states, without any given all of them. Nothing where the daemon does not answer soon: a
# completion must not keep anybody waiting.
function __structopsctl_policies
    set -l socket (__structopsctl_socket)
    set -l options
    test -n "$socket"; and set options --socket $socket[-1]
    set -l named (__structopsctl_words)
    set -l name
    for line in (timeout 1 structopsctl $options --json list 2>/dev/null </dev/null)
        set -l pair (string match -r '^ *"(name|state)": "([^"]*)"' -- $line); or continue
        if test $pair[2] = name
            set name $pair[3]
        else if test -z "$argv"; or contains -- $pair[3] $argv
            contains -- $name $named; or echo $name
        end
    end
end

complete -c structopsctl -f

complete -c structopsctl -l socket -r -F -d 'The socket of the daemon'
complete -c structopsctl -l json -d 'Output for programs'
complete -c structopsctl -l no-color -d 'No colours on a terminal'
complete -c structopsctl -l no-wait -d 'Do not wait for the outcome'
complete -c structopsctl -l policy -r -F -d 'inspect: as this policy changes it'
complete -c structopsctl -l load -d 'verify: ask the verifier, too'
complete -c structopsctl -l config -r -F -d 'verify, delta: settings of the daemon'
complete -c structopsctl -l policy-path -r -F -d 'verify, delta: where policies are'
complete -c structopsctl -l object-path -r -F -d 'verify: where objects are'
complete -c structopsctl -l kernel -r -F -d 'inspect, verify: another kernel than the running one'
complete -c structopsctl -l value -d 'inspect, dump: also the bytes'
complete -c structopsctl -l once -d 'top: one interval, and no more'
complete -c structopsctl -l interval -x -d 'top: seconds'
complete -c structopsctl -l since -x -d 'monitor: also what was since'
complete -c structopsctl -l state -x -a 'inactive loading attached updating waiting detaching failed invalid' -d 'monitor: only changes to this state'
complete -c structopsctl -l merged -d 'cat: what is in force, and where it stands'
complete -c structopsctl -l textfile -r -F -d 'metrics: write this file'
complete -c structopsctl -l for -x -d 'switch: go back by itself after that'
complete -c structopsctl -l until-restart -d 'switch: go back when the daemon starts anew'
complete -c structopsctl -l back -d 'switch: put the other one back'
complete -c structopsctl -s a -l all -d 'list: also what others have attached'
complete -c structopsctl -s h -l help -d 'A summary'
complete -c structopsctl -l version -d 'The version'

complete -c structopsctl -n __structopsctl_needs_verb -a list -d 'All policies, a line each'
complete -c structopsctl -n __structopsctl_needs_verb -a status -d 'All that is known of a policy'
complete -c structopsctl -n __structopsctl_needs_verb -a attach -d 'Attach, and keep it attached'
complete -c structopsctl -n __structopsctl_needs_verb -a detach -d 'Take it off, and leave it off'
complete -c structopsctl -n __structopsctl_needs_verb -a restart -d 'Load afresh and attach'
complete -c structopsctl -n __structopsctl_needs_verb -a switch -d 'Put it in place of another'
complete -c structopsctl -n __structopsctl_needs_verb -a reset-failed -d 'Forget that it failed'
complete -c structopsctl -n __structopsctl_needs_verb -a reload -d 'Read all policies again and apply what changed'
complete -c structopsctl -n __structopsctl_needs_verb -a cat -d 'The files that a policy was merged from'
complete -c structopsctl -n __structopsctl_needs_verb -a delta -d 'Which policy files act on which'
complete -c structopsctl -n __structopsctl_needs_verb -a monitor -d 'Each change of state as it happens'
complete -c structopsctl -n __structopsctl_needs_verb -a inspect -d 'What is in an object, and what a kernel makes of it'
complete -c structopsctl -n __structopsctl_needs_verb -a verify -d 'What would keep policies from being attached'
complete -c structopsctl -n __structopsctl_needs_verb -a log -d 'What the verifier said in the last attempt'
complete -c structopsctl -n __structopsctl_needs_verb -a dump -d 'The value that the kernel has'
complete -c structopsctl -n __structopsctl_needs_verb -a doctor -d 'Is this host fit'
complete -c structopsctl -n __structopsctl_needs_verb -a top -d 'How often operators run, and for how long'
complete -c structopsctl -n __structopsctl_needs_verb -a metrics -d 'What was counted, for Prometheus'

complete -c structopsctl -n '__structopsctl_has_verb status' -a '(__structopsctl_policies)'
complete -c structopsctl -n '__structopsctl_has_verb delta' -a '(__structopsctl_policies)'
complete -c structopsctl -n '__structopsctl_has_verb monitor' -a '(__structopsctl_policies)'
complete -c structopsctl -n '__structopsctl_has_verb attach' -a '(__structopsctl_policies inactive waiting failed)'
complete -c structopsctl -n '__structopsctl_has_verb detach' -a '(__structopsctl_policies loading attached updating waiting)'
complete -c structopsctl -n '__structopsctl_has_verb restart' -a '(__structopsctl_policies inactive attached updating waiting failed)'
complete -c structopsctl -n '__structopsctl_has_verb switch' -a '(__structopsctl_policies inactive attached updating waiting failed)'
complete -c structopsctl -n '__structopsctl_has_verb reset-failed' -a '(__structopsctl_policies waiting failed)'
complete -c structopsctl -n '__structopsctl_has_verb cat' -a '(__structopsctl_policies)'
complete -c structopsctl -n '__structopsctl_has_verb dump' -a '(__structopsctl_policies)'
complete -c structopsctl -n '__structopsctl_has_verb inspect' -F
complete -c structopsctl -n '__structopsctl_has_verb log' -a '(__structopsctl_policies)'
complete -c structopsctl -n '__structopsctl_has_verb verify' -F -a '(__structopsctl_policies)'
